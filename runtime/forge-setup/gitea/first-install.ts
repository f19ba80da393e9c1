import { exitCode, ProgramEnd } from '../../program/exit.ts';
import { eventually, formFields, HttpSession, unescapeHtml } from '../http.ts';
import type { Report } from '../report.ts';
import type { Credentials } from './client.ts';

export interface FirstInstall {
  readonly url: string;
  readonly caFile?: string | undefined;
  readonly sshPort?: number | undefined;
  readonly admin: Credentials & { readonly email: string };
  /** Seconds that Gitea may take to come back after the form. @default 120 */
  readonly wait?: number;
}

/** Whether Gitea waits for its first set-up: it then shows the form for it and nothing else. Undefined: it is not up yet. */
export async function isInInstallMode(url: string, caFile?: string): Promise<boolean | undefined> {
  const page = await new HttpSession(url, { caFile }).send('GET', '/');
  if (page.status >= 500) return undefined;
  return page.status === 200 && page.body.includes('name="repo_root_path"');
}

/**
 * Fills in Gitea's form for the first set-up: paths and database as the form proposes them, the address of every consumer, no open
 * registration, and the administrator.
 */
export async function completeFirstInstall(install: FirstInstall, report: Report): Promise<void> {
  const { url, admin } = install;
  const http = new HttpSession(url, { caFile: install.caFile, cookies: true });
  const page = await http.send('GET', '/');
  const proposed = formFields(page.body);
  const form = {
    ...proposed,
    // Without any configuration the form proposes a MySQL on this host, with no password: nobody meant that.
    ...(proposed.db_type === 'mysql' && !proposed.db_passwd ? { db_type: 'sqlite3' } : {}),
    domain: new URL(url).hostname,
    app_url: `${url}/`,
    ...(install.sshPort === undefined ? {} : { ssh_port: String(install.sshPort) }),
    disable_registration: 'on',
    offline_mode: 'on',
    admin_name: admin.username,
    admin_email: admin.email,
    admin_passwd: admin.password,
    admin_confirm_passwd: admin.password,
  };
  const reply = await http.send('POST', '/', { form });
  const complaint = /class="[^"]*(?:flash-error|negative message)[^"]*"[^>]*>([\s\S]*?)<\/div>/.exec(reply.body)?.[1];
  if (reply.status >= 400 || complaint !== undefined) {
    const words = unescapeHtml((complaint ?? '').replaceAll(/<[^>]+>/g, ' '))
      .replaceAll(/\s+/g, ' ')
      .trim();
    throw new ProgramEnd(
      exitCode.failed,
      `${url}: the first set-up of Gitea failed (${reply.status}): ${words || 'no reason given'}`,
    );
  }
  await eventually('Gitea answers after its first set-up', install.wait ?? 120, async () => {
    const answer = await new HttpSession(url, { caFile: install.caFile }).send('GET', '/api/v1/version');
    return answer.status === 200 ? true : undefined;
  });
  report.changed(`Gitea set up for the first time at ${url}, administrator ${admin.username}`);
}

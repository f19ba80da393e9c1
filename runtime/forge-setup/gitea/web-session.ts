import { exitCode, ProgramEnd } from '../../program/exit.ts';
import { formFields, HttpSession, type Reply } from '../http.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A session of the forge's web pages, for what its API cannot do. */
export interface ForgeWebSession {
  readonly http: HttpSession;
}

/**
 * Logs in to Gitea as a browser does.
 *
 * @throws ProgramEnd that tells a wrong password from a second factor
 */
export async function logInToForge(url: string, credentials: Credentials, caFile?: string): Promise<ForgeWebSession> {
  const http = new HttpSession(url, { caFile, cookies: true });
  const page = await http.send('GET', '/user/login');
  const reply = await http.send('POST', '/user/login', {
    form: { ...csrf(page), user_name: credentials.username, password: credentials.password },
  });
  const to = reply.location;
  if (/two_factor|webauthn/.test(to)) {
    throw new ProgramEnd(
      exitCode.usage,
      `${url}: ${credentials.username} has a second factor (2FA); use an account without it`,
    );
  }
  if (to.includes('change_password')) {
    throw new ProgramEnd(
      exitCode.usage,
      `${url}: ${credentials.username} has to change the password first; log in once by hand`,
    );
  }
  if (reply.status !== 302 && reply.status !== 303) {
    throw new ProgramEnd(
      exitCode.usage,
      `${url}: the forge refuses ${credentials.username}: the password is wrong, or there is no such user (or its log-in form is ` +
        'off or has a captcha). Give name and password of an administrator; `gitea admin user change-password` resets one',
    );
  }
  return { http };
}

/** The field by which Gitea's forms prove where they come from. */
export function csrf(page: Reply): Record<string, string> {
  // Up to Gitea 1.25; later versions check where the request comes from instead.
  const value = formFields(page.body)._csrf;
  return value === undefined ? {} : { _csrf: value };
}

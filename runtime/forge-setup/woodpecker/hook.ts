import { exitCode, ProgramEnd } from '../../program/exit.ts';
import type { GiteaClient } from '../gitea/client.ts';
import type { ForgeWebSession } from '../gitea/web-session.ts';
import { eventually, unescapeHtml } from '../http.ts';
import type { Report } from '../report.ts';
import type { WoodpeckerClient } from './client.ts';

interface Hook {
  id: number;
  active: boolean;
  config: { url?: string };
}

export interface Delivery {
  id: string;
  state: 'waiting' | 'succeeded' | 'failed';
  /** HTTP status that the receiver answered with; '' if it never answered. */
  status: string;
  /** Why there was no answer, in the forge's words. */
  words: string;
}

/** Addresses that Woodpecker registers hold a token that only its present database knows. */
const WOODPECKER_HOOK = /\/api\/hook\?access_token=/;

/**
 * Exactly one webhook of Woodpecker, and one that it answers. A wiped database leaves a dead one behind, somebody may have deleted it,
 * a changed address makes a second one.
 *
 * @param recreate the repository was just activated: hooks from before are dead
 */
export async function ensureHook(
  gitea: GiteaClient,
  woodpecker: WoodpeckerClient,
  where: { owner: string; repository: string; woodpeckerId: number; webhookUrl: string },
  report: Report,
): Promise<number> {
  const present = await hooksOf(gitea, where);
  const good = present.filter((hook) => hook.active && (hook.config.url ?? '').startsWith(where.webhookUrl));
  if (present.length === 1 && good.length === 1) {
    report.kept(`webhook of ${where.owner}/${where.repository}`);
    return good[0]?.id ?? 0;
  }
  return repairHook(gitea, woodpecker, where, report);
}

/** Removes what there is and lets Woodpecker register a new webhook. */
export async function repairHook(
  gitea: GiteaClient,
  woodpecker: WoodpeckerClient,
  where: { owner: string; repository: string; woodpeckerId: number; webhookUrl: string },
  report: Report,
): Promise<number> {
  const path = `/repos/${where.owner}/${where.repository}/hooks`;
  for (const hook of await hooksOf(gitea, where)) {
    await gitea.call('DELETE', `${path}/${hook.id}`);
    report.changed(`webhook ${hook.id} of ${where.owner}/${where.repository} removed`);
  }
  await woodpecker.call('POST', `/repos/${where.woodpeckerId}/repair`);
  const made = (await hooksOf(gitea, where))[0];
  if (made === undefined) throw new Error(`Woodpecker registered no webhook for ${where.owner}/${where.repository}`);
  if (!(made.config.url ?? '').startsWith(where.webhookUrl)) {
    const given = (made.config.url ?? '').replace(/access_token=.*/, 'access_token=…');
    throw new ProgramEnd(
      exitCode.failed,
      `Woodpecker's webhook goes to ${given}, not to ${where.webhookUrl}: set WOODPECKER_EXPERT_WEBHOOK_HOST to its beginning`,
    );
  }
  report.changed(`webhook of ${where.owner}/${where.repository} registered`);
  return made.id;
}

async function hooksOf(
  gitea: GiteaClient,
  { owner, repository }: { owner: string; repository: string },
): Promise<Hook[]> {
  const hooks = await gitea.list<Hook>(`/repos/${owner}/${repository}/hooks`);
  return hooks.filter((hook) => WOODPECKER_HOOK.test(hook.config.url ?? ''));
}

/** A branch that no pipeline is for. */
const CHECK_REF = 'refs/heads/webhook-delivery-check';

/**
 * Shows that an event arrives: the latest delivery succeeded, or a test event does now. The forge's API does not tell, so its page
 * with the recent deliveries is read. Only an arriving event proves that Gitea may call the address.
 *
 * @returns false if the receiver answered with an error that another registration heals
 */
export async function proveDelivery(
  gitea: GiteaClient,
  session: () => Promise<ForgeWebSession>,
  where: { owner: string; repository: string; hookId: number; empty: boolean },
  report: Report,
): Promise<boolean> {
  const label = `deliveries of the webhook of ${where.owner}/${where.repository}`;
  if (where.empty) {
    report.note(
      `${where.owner}/${where.repository} has no commit yet: after the first push, run again to prove the webhook`,
    );
    return true;
  }
  const { http } = await session();
  const page = `/${where.owner}/${where.repository}/settings/hooks/${where.hookId}`;
  const read = async (): Promise<Delivery[]> => deliveriesOf((await http.send('GET', page)).body);
  const before = await read();
  if (before[0]?.state === 'succeeded') {
    report.kept(`${label}: the latest one arrived`);
    return true;
  }
  const known = new Set(before.map((delivery) => delivery.id));
  const test = `/repos/${where.owner}/${where.repository}/hooks/${where.hookId}/tests?ref=${encodeURIComponent(CHECK_REF)}`;
  await gitea.call('POST', test);
  const delivery = await eventually('the forge delivers a test event', 60, async () =>
    (await read()).find(({ id, state }) => !known.has(id) && state !== 'waiting'),
  );
  if (delivery.state === 'succeeded') {
    report.changed(`${label}: a test event arrived (${delivery.status})`);
    return true;
  }
  if (delivery.status !== '') return false;
  throw new ProgramEnd(
    exitCode.failed,
    `${label}: Gitea cannot call the address (${delivery.words}). Allow it: GITEA__webhook__ALLOWED_HOST_LIST=private (or its host), ` +
      'and see that the network lets Gitea reach Woodpecker',
  );
}

/** The recent deliveries of a webhook's page, newest first. */
export function deliveriesOf(html: string): Delivery[] {
  return html
    .split(/<div class="item">/)
    .slice(1)
    .flatMap((item): Delivery[] => {
      const id = /#info-\d+"[^>]*>\s*([0-9a-f-]{36})\s*</.exec(item)?.[1];
      if (id === undefined) return [];
      // While a delivery is under way the page already calls it failed, but has no answer to show yet.
      const answer = /class="ui (green|red) label">(\d*)</.exec(item);
      const state = answer === null ? 'waiting' : answer[1] === 'green' ? 'succeeded' : 'failed';
      const status = answer?.[2] ?? '';
      // The address holds a token.
      const words = unescapeHtml(/>Delivery: ([^<]*)</.exec(item)?.[1] ?? '')
        .replaceAll(/access_token=[^\s"&]*/g, 'access_token=…')
        .trim();
      return [{ id, state, status: status === '0' ? '' : status, words }];
    });
}

import type { WoodpeckerSetup } from '../../../model/forge-setup/settings.ts';
import { exitCode, ProgramEnd } from '../../program/exit.ts';
import type { Report } from '../report.ts';
import { type WoodpeckerClient, WoodpeckerError, type WoodpeckerRepository } from './client.ts';

/** Activates a repository, which makes Woodpecker register its webhook in the forge, and sets what it may do. */
export async function ensureActiveRepository(
  woodpecker: WoodpeckerClient,
  owner: string,
  setup: WoodpeckerSetup,
  forgeId: number,
  report: Report,
): Promise<WoodpeckerRepository> {
  const name = `${owner}/${setup.repository}`;
  const lookup = await woodpecker.send<WoodpeckerRepository>('GET', `/repos/lookup/${name}`);
  if (lookup.status === 200 && lookup.body.active) report.kept(`${name} is active in Woodpecker`);
  else {
    const reply = await woodpecker.send('POST', `/repos?forge_remote_id=${forgeId}`);
    if (reply.status === 403) {
      throw new ProgramEnd(
        exitCode.failed,
        `Woodpecker: the set-up's user is no administrator of ${name} in the forge`,
      );
    }
    if (reply.status !== 200 && reply.status !== 409) {
      throw new WoodpeckerError(
        `${woodpecker.url}: ${name} was not activated: ${reply.status} ${reply.text.slice(0, 300)}`,
        reply.status,
      );
    }
    if (reply.status === 200) report.changed(`${name} activated in Woodpecker`);
  }
  const present = await woodpecker.call<WoodpeckerRepository>('GET', `/repos/lookup/${name}`);
  const wanted = {
    config_file: setup.configFile,
    timeout: setup.timeoutMinutes,
    visibility: 'internal',
    allow_pr: true,
    // A pull request from a fork could read what the pipeline may read.
    require_approval: 'forks',
    // "security" would put the forge's token into every step.
    trusted: { network: false, volumes: false, security: false },
  };
  const differs = Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(sorted(present[key as keyof typeof wanted])) !== JSON.stringify(sorted(value)),
  );
  if (!differs) {
    report.kept(`what Woodpecker does with ${name}`);
    return present;
  }
  const changed = await woodpecker.call<WoodpeckerRepository>('PATCH', `/repos/${present.id}`, wanted);
  report.changed(`what Woodpecker does with ${name}: ${setup.configFile}, at most ${setup.timeoutMinutes} minutes`);
  return { ...present, ...changed };
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

interface WoodpeckerSecret {
  name: string;
  events: string[] | null;
}

/**
 * Makes the secrets of a repository exist with these values. Woodpecker never shows a value again: what it got is remembered by a
 * checksum.
 *
 * @param remembered checksums by name; changed in place
 */
export async function ensurePipelineSecrets(
  woodpecker: WoodpeckerClient,
  repositoryId: number,
  wanted: readonly { name: string; events: readonly string[]; value: string; checksum: string }[],
  remembered: Record<string, string>,
  report: Report,
): Promise<void> {
  const base = `/repos/${repositoryId}/secrets`;
  const known = new Map(
    ((await woodpecker.call<WoodpeckerSecret[] | null>('GET', `${base}?perPage=50`)) ?? []).map((secret) => [
      secret.name,
      secret,
    ]),
  );
  for (const { name, events, value, checksum } of wanted) {
    const present = known.get(name);
    const fits = present !== undefined && [...(present.events ?? [])].sort().join() === [...events].sort().join();
    if (fits && remembered[name] === checksum) {
      report.kept(`pipeline secret ${name}`);
      continue;
    }
    const body = { name, value, events, images: [] };
    if (present === undefined) await woodpecker.call('POST', base, body);
    else await woodpecker.call('PATCH', `${base}/${name}`, body);
    remembered[name] = checksum;
    report.changed(`pipeline secret ${name} ${present === undefined ? 'made' : 'set'} (${events.join(', ')})`);
  }
}

import type { DeliveredApplication, DeliverySettings } from '../../model/delivery/index.ts';
import { httpsUrl, type RepositoryPlace } from '../../model/forge-url/index.ts';
import { type GitRemote, git, references } from '../state/git.ts';
import type { Forge } from './forge/index.ts';
import { author } from './repository.ts';

export interface Provision {
  readonly settings: DeliverySettings;
  readonly application: DeliveredApplication;
  readonly forge: Forge;
  readonly hookSecret: string;
  /** How to log in to a repository of the forge. */
  remote(place: RepositoryPlace): GitRemote;
  /** Rendered folders that a new repository starts from. */
  readonly scaffolds: { readonly source: string; readonly gitOps: string };
  readonly print: (line: string) => void;
}

/** Makes the two repositories of an application, or completes them; what is there already is never overwritten. */
export async function provision(facts: Provision): Promise<void> {
  const { application, settings, forge, scaffolds, print } = facts;
  const { branches } = settings;
  await seed(facts, application.gitOps, scaffolds.gitOps, [branches.production, branches.sandbox]);
  await forge.setDefaultBranch(application.gitOps, branches.sandbox);
  await forge.protect(application.gitOps, { branch: branches.production, reviewers: 1 });
  print(`${application.gitOps.repository}: ${branches.production} takes reviewed pull requests only`);
  await seed(facts, application.source, scaffolds.source, ['main']);
  const hook = settings.forges.find(({ name }) => name === application.source.forge)?.hook ?? '';
  const made = await forge.ensureHook(application.source, { url: hook, secret: facts.hookSecret });
  print(`${application.source.repository}: webhook ${made ? 'made' : 'brought up to date'}`);
}

async function seed(
  facts: Provision,
  place: RepositoryPlace,
  folder: string,
  branches: readonly string[],
): Promise<void> {
  const made = await facts.forge.ensureRepository(place);
  facts.print(`${place.repository}: ${made ? 'made' : 'exists'}`);
  const remote = facts.remote(place);
  const present = await references(remote);
  const missing = branches.filter((branch) => !(`refs/heads/${branch}` in present));
  if (missing.length === 0) return;
  // A branch that is missing beside another one starts from it; an empty repository starts from the scaffold.
  const base = branches.find((branch) => `refs/heads/${branch}` in present);
  const cwd = folder;
  await git(['init', '--quiet', '--initial-branch=main', cwd]);
  const commit = base === undefined ? await scaffoldCommit(folder) : present[`refs/heads/${base}`];
  if (base !== undefined) await git(['fetch', '--quiet', '--', remote.url, `refs/heads/${base}`], { remote, cwd });
  const pushed = missing.map((branch) => `${commit}:refs/heads/${branch}`);
  await git(['push', '--quiet', '--atomic', '--', remote.url, ...pushed], { remote, cwd });
  facts.print(`${place.repository}: pushed ${missing.join(' and ')}`);
}

/** One commit with everything in the folder. */
async function scaffoldCommit(cwd: string): Promise<string> {
  await git(['add', '--all'], { cwd });
  const who = ['-c', `user.name=${author.name}`, '-c', `user.email=${author.email}`];
  await git([...who, 'commit', '--quiet', '-m', 'Start from the scaffold'], { cwd });
  return (await git(['rev-parse', 'HEAD'], { cwd })).trim();
}

/** The address that a place is cloned from. */
export function placeUrl(settings: DeliverySettings, place: RepositoryPlace): string {
  const forge = settings.forges.find(({ name }) => name === place.forge);
  if (!forge) throw new Error(`there is no forge ${place.forge} in the settings`);
  return httpsUrl(forge, place);
}

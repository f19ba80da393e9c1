import type { BranchProtection, ForgeRepository } from '../../../model/forge-setup/settings.ts';
import type { Report } from '../report.ts';
import { ForgeError, type GiteaClient } from './client.ts';

export interface Repository {
  id: number;
  name: string;
  empty: boolean;
  default_branch: string;
  private: boolean;
  clone_url: string;
}

/** Makes a repository that does not exist. */
export async function ensureRepository(
  gitea: GiteaClient,
  owner: { name: string; kind: 'organization' | 'user' },
  wanted: ForgeRepository,
  report: Report,
): Promise<Repository> {
  const known = await gitea.find<Repository>(`/repos/${owner.name}/${wanted.name}`);
  if (known !== undefined) {
    report.kept(`repository ${owner.name}/${wanted.name}`);
    return known;
  }
  const path = owner.kind === 'organization' ? `/orgs/${owner.name}/repos` : '/user/repos';
  const made = await gitea.call<Repository>('POST', path, {
    name: wanted.name,
    private: wanted.private ?? true,
    default_branch: wanted.defaultBranch,
    auto_init: false,
  });
  report.changed(`repository ${owner.name}/${wanted.name} made`);
  return made;
}

/** The branch that a clone checks out. An import may have made another one the default. */
export async function ensureDefaultBranch(
  gitea: GiteaClient,
  owner: string,
  wanted: ForgeRepository,
  report: Report,
): Promise<void> {
  const path = `/repos/${owner}/${wanted.name}`;
  const present = await gitea.call<Repository>('GET', path);
  if (present.default_branch === wanted.defaultBranch) {
    report.kept(`default branch ${wanted.defaultBranch} of ${wanted.name}`);
    return;
  }
  if (
    !present.empty &&
    (await gitea.find(`${path}/branches/${encodeURIComponent(wanted.defaultBranch)}`)) === undefined
  ) {
    report.note(`${owner}/${wanted.name} has no branch ${wanted.defaultBranch}; push it, then run again`);
    return;
  }
  await gitea.call('PATCH', path, { default_branch: wanted.defaultBranch });
  report.changed(`default branch of ${owner}/${wanted.name} is ${wanted.defaultBranch}`);
}

export async function ensureCollaborators(
  gitea: GiteaClient,
  owner: string,
  wanted: ForgeRepository,
  report: Report,
): Promise<void> {
  for (const { user, permission } of wanted.collaborators) {
    const path = `/repos/${owner}/${wanted.name}/collaborators/${user}`;
    const present = await currentPermission(gitea, path);
    if (present === permission) {
      report.kept(`${user}: ${permission} on ${wanted.name}`);
      continue;
    }
    await gitea.call('PUT', path, { permission });
    report.changed(`${user} may ${permission} ${owner}/${wanted.name}`);
  }
}

async function currentPermission(gitea: GiteaClient, path: string): Promise<string | undefined> {
  try {
    return (await gitea.find<{ permission: string }>(`${path}/permission`))?.permission;
  } catch (error) {
    if (error instanceof ForgeError && error.status === 403) return undefined;
    throw error;
  }
}

interface Protection {
  rule_name: string;
  enable_push: boolean;
  enable_push_whitelist: boolean;
  push_whitelist_usernames: string[] | null;
  enable_force_push: boolean;
  push_whitelist_deploy_keys: boolean;
  enable_merge_whitelist: boolean;
  merge_whitelist_usernames: string[] | null;
}

/** Protects branches: only their pushers push, nobody rewinds or deletes. */
export async function ensureProtection(
  gitea: GiteaClient,
  owner: string,
  repository: string,
  wanted: BranchProtection,
  report: Report,
): Promise<void> {
  const base = `/repos/${owner}/${repository}/branch_protections`;
  const rule = {
    enable_push: true,
    enable_push_whitelist: true,
    push_whitelist_usernames: [...wanted.pushers],
    push_whitelist_deploy_keys: false,
    enable_force_push: false,
    // A pull request must not be a way around the list.
    enable_merge_whitelist: true,
    merge_whitelist_usernames: [...wanted.pushers],
  };
  const rules = await gitea.call<Protection[] | null>('GET', base);
  const known = (rules ?? []).find((candidate) => candidate.rule_name === wanted.pattern);
  const label = `${wanted.pattern} of ${owner}/${repository}: only ${wanted.pushers.join(', ')} may push`;
  if (known === undefined) {
    await gitea.call('POST', base, { rule_name: wanted.pattern, ...rule });
    report.changed(label);
    return;
  }
  const same =
    known.enable_push &&
    known.enable_push_whitelist &&
    !known.enable_force_push &&
    !known.push_whitelist_deploy_keys &&
    known.enable_merge_whitelist &&
    sameNames(known.push_whitelist_usernames, wanted.pushers) &&
    sameNames(known.merge_whitelist_usernames, wanted.pushers);
  if (same) {
    report.kept(label);
    return;
  }
  await gitea.call('PATCH', `${base}/${encodeURIComponent(wanted.pattern)}`, rule);
  report.changed(`${label} (put right)`);
}

function sameNames(a: readonly string[] | null, b: readonly string[]): boolean {
  return [...(a ?? [])].sort().join() === [...b].sort().join();
}

import { randomBytes } from 'node:crypto';
import type { ForgeUser } from '../../../model/forge-setup/settings.ts';
import { exitCode, ProgramEnd } from '../../program/exit.ts';
import type { Report } from '../report.ts';
import { type ForgeAccount, ForgeError, type GiteaClient } from './client.ts';

/** Makes the users that stand for programs. */
export async function ensureUsers(gitea: GiteaClient, users: readonly ForgeUser[], report: Report): Promise<void> {
  for (const user of users) {
    const known = await gitea.find<ForgeAccount>(`/users/${user.name}`);
    if (known !== undefined) {
      report.kept(`user ${user.name}`);
      continue;
    }
    await gitea.call('POST', '/admin/users', {
      username: user.name,
      email: user.email,
      full_name: user.fullName,
      password: `${randomBytes(24).toString('base64url')}aA1!`,
      must_change_password: false,
      restricted: false,
      visibility: 'limited',
    });
    report.changed(`user ${user.name} made`);
  }
}

/** The owner of the repositories: an organization, or the administrator. Tells which. */
export async function ensureOwner(gitea: GiteaClient, owner: string, report: Report): Promise<'organization' | 'user'> {
  if (owner === gitea.credentials.username) return 'user';
  if ((await gitea.find(`/orgs/${owner}`)) !== undefined) {
    report.kept(`organization ${owner}`);
    return 'organization';
  }
  if ((await gitea.find(`/users/${owner}`)) !== undefined) {
    throw new ProgramEnd(
      exitCode.usage,
      `${gitea.url}: ${owner} is a user of the forge, but the repositories need an organization (or the administrator) as owner; ` +
        'choose another owner',
    );
  }
  await gitea.call('POST', '/orgs', { username: owner, visibility: 'limited', repo_admin_change_team_access: false });
  report.changed(`organization ${owner} made`);
  return 'organization';
}

interface Team {
  id: number;
  name: string;
}

/** Lets users publish packages of an organization: a team with that right and no other. */
export async function ensurePackageWriters(
  gitea: GiteaClient,
  owner: string,
  users: readonly string[],
  report: Report,
): Promise<void> {
  if (users.length === 0) return;
  const name = 'package-writers';
  const teams = await gitea.list<Team>(`/orgs/${owner}/teams`);
  let team = teams.find((candidate) => candidate.name === name);
  if (team === undefined) {
    team = await gitea.call<Team>('POST', `/orgs/${owner}/teams`, {
      name,
      description: 'publishes packages: results of integration tests',
      permission: 'read',
      includes_all_repositories: false,
      can_create_org_repo: false,
      units: ['repo.packages'],
      units_map: { 'repo.packages': 'write' },
    });
    report.changed(`team ${owner}/${name} made`);
  }
  const members = new Set((await gitea.list<ForgeAccount>(`/teams/${team.id}/members`)).map(({ login }) => login));
  for (const user of users) {
    if (members.has(user)) {
      report.kept(`${user} in team ${owner}/${name}`);
      continue;
    }
    await gitea.call('PUT', `/teams/${team.id}/members/${user}`);
    report.changed(`${user} added to team ${owner}/${name}`);
  }
}

/** Names the people whose address belongs to no user: they could not log in to approve anything. */
export async function checkPeople(gitea: GiteaClient, people: readonly string[], report: Report): Promise<void> {
  if (people.length === 0) return;
  const users = await gitea.list<ForgeAccount>('/admin/users');
  const known = new Map(users.map((user) => [user.email.toLowerCase(), user.login]));
  for (const address of new Set(people)) {
    const login = known.get(address.toLowerCase());
    if (login === undefined)
      report.note(`no user of the forge has the address ${address}: make one, or correct the settings`);
    else report.kept(`${address} is ${login}`);
  }
}

interface AccessToken {
  id: number;
  name: string;
  scopes: string[];
  token_last_eight: string;
  sha1?: string;
}

/**
 * A token of a user that works: one of the candidates (from the Secrets that should hold it), or a new one.
 *
 * @returns the token
 */
export async function ensureToken(
  gitea: GiteaClient,
  wanted: { readonly user: string; readonly name: string; readonly scopes: readonly string[] },
  candidates: readonly string[],
  report: Report,
): Promise<string> {
  const { user, name } = wanted;
  const path = `/users/${user}/tokens`;
  const known = (await gitea.list<AccessToken>(path)).find((token) => token.name === name);
  if (known !== undefined) {
    const fits = [...known.scopes].sort().join() === [...wanted.scopes].sort().join();
    const held = candidates.find((candidate) => candidate.endsWith(known.token_last_eight));
    if (fits && held !== undefined) {
      report.kept(`token ${name} of ${user}`);
      return held;
    }
    await gitea.call('DELETE', `${path}/${known.id}`);
  }
  try {
    const made = await gitea.call<AccessToken>('POST', path, { name, scopes: wanted.scopes });
    report.changed(`token ${name} of ${user} ${known === undefined ? 'made' : 'made anew'}`);
    return made.sha1 ?? '';
  } catch (error) {
    if (error instanceof ForgeError && error.status === 404) {
      throw new ProgramEnd(exitCode.usage, `${gitea.url}: there is no user ${user} for the token ${name}`, {
        cause: error,
      });
    }
    throw error;
  }
}

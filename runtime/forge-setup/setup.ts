import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ForgeSetupSettings, ValueSource } from '../../model/forge-setup/settings.ts';
import { readKey } from '../files/sealed.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { exitCode, ProgramEnd } from '../program/exit.ts';
import { checkSnapshot } from '../state/check.ts';
import { pushAll, withMirror } from '../state/git.ts';
import { restoreRepository } from '../state/parts/repositories.ts';
import { SnapshotStore } from '../state/store.ts';
import { readSecret, restartPods, writeSecret } from './cluster-secrets.ts';
import { checkPeople, ensureOwner, ensurePackageWriters, ensureToken, ensureUsers } from './gitea/accounts.ts';
import { ensureApplication } from './gitea/applications.ts';
import { type Credentials, GiteaClient } from './gitea/client.ts';
import { configureDeployment } from './gitea/deployment.ts';
import { completeFirstInstall, isInInstallMode } from './gitea/first-install.ts';
import {
  ensureCollaborators,
  ensureDefaultBranch,
  ensureProtection,
  ensureRepository,
  type Repository,
} from './gitea/repositories.ts';
import { type ForgeWebSession, logInToForge } from './gitea/web-session.ts';
import { eventually } from './http.ts';
import type { Report } from './report.ts';
import { WoodpeckerClient } from './woodpecker/client.ts';
import { ensureHook, proveDelivery, repairHook } from './woodpecker/hook.ts';
import { woodpeckerToken } from './woodpecker/login.ts';
import { ensureActiveRepository, ensurePipelineSecrets } from './woodpecker/repository.ts';

export interface SetupContext {
  readonly settings: ForgeSetupSettings;
  readonly client: () => KubernetesClient;
  readonly report: Report;
  /** Brings the repositories of an empty forge back from the latest snapshot. */
  readonly restoreForge: boolean;
  /** Seconds that a server may take to answer. @default 300 */
  readonly wait?: number;
}

/** The forge: first set-up, environment, accounts, repositories, applications, Secrets of its consumers. Before Woodpecker. */
export async function setUpForge(context: SetupContext): Promise<void> {
  const { settings, report } = context;
  const credentials = await administrator(settings);
  if (settings.deployment !== undefined) {
    await configureDeployment(context.client(), settings.deployment, report, context.wait ?? 300);
  }
  const gitea = new GiteaClient(settings.url, credentials, settings.caFile);
  const inInstallMode = await eventually(`the forge answers at ${settings.url}`, context.wait ?? 300, () =>
    isInInstallMode(settings.url, settings.caFile),
  );
  if (inInstallMode) {
    await refuseBesideSnapshots(context, 'Gitea waits for its first set-up');
    await completeFirstInstall({ ...settings, admin: { ...credentials, email: settings.admin.email } }, report);
  }
  await gitea.checkAdministrator();
  const kind = await ensureOwner(gitea, settings.owner, report);
  await ensureUsers(gitea, settings.users, report);
  if (kind === 'organization') await ensurePackageWriters(gitea, settings.owner, settings.packageWriters, report);
  await setUpRepositories(context, gitea, kind);
  for (const application of settings.applications) await setUpApplication(context, gitea, application);
  await setUpSecrets(context, gitea);
  await checkPeople(gitea, settings.people, report);
}

/** Woodpecker: token, repository, webhook with a delivery that arrived, pipeline secrets. After Woodpecker runs. */
export async function setUpWoodpecker(context: SetupContext): Promise<void> {
  const { settings, report } = context;
  const setup = settings.woodpecker;
  if (setup === undefined) throw new ProgramEnd(exitCode.usage, 'the settings have no section "woodpecker"');
  const credentials = await administrator(settings);
  const gitea = new GiteaClient(settings.url, credentials, settings.caFile);
  await gitea.checkAdministrator();
  const internalUrl = setup.internalUrl ?? setup.url;
  const client = context.client();
  const held = (await readSecret(client, setup.tokenSecret)) ?? {};
  let token = held.token ?? '';
  let woodpecker = new WoodpeckerClient(internalUrl, token, setup.caFile);
  const works = await eventually(`Woodpecker answers at ${internalUrl}`, context.wait ?? 300, async () => {
    const { status } = await woodpecker.send('GET', '/user');
    return status < 500 ? status === 200 : undefined;
  });
  if (works) report.kept('token of Woodpecker');
  else {
    const caFile = setup.caFile;
    token = await woodpeckerToken({
      forgeUrl: settings.url,
      forgeCaFile: settings.caFile,
      credentials,
      url: setup.url,
      internalUrl,
      ...(caFile === undefined ? {} : { caFile }),
    });
    woodpecker = new WoodpeckerClient(internalUrl, token, caFile);
    if (!(await woodpecker.works()))
      throw new ProgramEnd(exitCode.failed, `${internalUrl}: the new token does not work`);
    await writeSecret(client, setup.tokenSecret, { token }, report);
  }

  const repository = await gitea.call<Repository>('GET', `/repos/${settings.owner}/${setup.repository}`);
  const active = await ensureActiveRepository(woodpecker, settings.owner, setup, repository.id, report);
  const where = {
    owner: settings.owner,
    repository: setup.repository,
    woodpeckerId: active.id,
    webhookUrl: setup.webhookUrl,
  };
  let session: ForgeWebSession | undefined;
  const web = async (): Promise<ForgeWebSession> => {
    session ??= await logInToForge(settings.url, credentials, settings.caFile);
    return session;
  };
  const prove = (hookId: number): Promise<boolean> =>
    proveDelivery(gitea, web, { ...where, hookId, empty: repository.empty }, report);
  const hookId = await ensureHook(gitea, woodpecker, where, report);
  if (!(await prove(hookId))) {
    report.note('Woodpecker refused the webhook: it is registered anew');
    if (!(await prove(await repairHook(gitea, woodpecker, where, report)))) {
      throw new ProgramEnd(exitCode.failed, 'Woodpecker refuses events of the forge; see the log of its server');
    }
  }

  const remembered = JSON.parse(held.checksums ?? '{}') as Record<string, string>;
  // A token that only the pipeline uses is kept beside Woodpecker's own.
  const tokens: Record<string, string> = {};
  const wanted = [];
  for (const secret of setup.secrets) {
    let value: string;
    if ('token' in secret.value) {
      const key = `pipeline-${secret.name}`;
      const kept = held[key];
      value = await ensureToken(gitea, secret.value.token, kept === undefined ? [] : [kept], report);
      tokens[key] = value;
    } else value = await plainValue(client, secret.value);
    const checksum = createHmac('sha256', token).update(`${secret.name}\n${value}`).digest('hex');
    wanted.push({ name: secret.name, events: secret.events, value, checksum });
  }
  // Written first: a token that only Woodpecker holds could never be read again.
  if (Object.keys(tokens).length > 0) await writeSecret(client, setup.tokenSecret, tokens, report);
  await ensurePipelineSecrets(woodpecker, active.id, wanted, remembered, report);
  await writeSecret(client, setup.tokenSecret, { token, checksums: JSON.stringify(remembered) }, report);
}

async function administrator(settings: ForgeSetupSettings): Promise<Credentials> {
  const read = async (path: string): Promise<string> =>
    (
      await readFile(path, 'utf8').catch((error: Error) => {
        throw new ProgramEnd(exitCode.usage, `the administrator of the forge is not known: ${error.message}`, {
          cause: error,
        });
      })
    ).trim();
  return { username: await read(settings.admin.usernameFile), password: await read(settings.admin.passwordFile) };
}

async function setUpRepositories(
  context: SetupContext,
  gitea: GiteaClient,
  kind: 'organization' | 'user',
): Promise<void> {
  const { settings, report } = context;
  const owner = { name: settings.owner, kind };
  for (const wanted of settings.repositories) {
    const path = `/repos/${settings.owner}/${wanted.name}`;
    const known = await gitea.find<Repository>(path);
    if (known === undefined || known.empty)
      await refuseBesideSnapshots(context, `repository ${wanted.name} is empty`, wanted.name);
    await ensureRepository(gitea, owner, wanted, report);
    await fill(context, gitea, wanted.name, wanted.importFrom, wanted.importTokenFile);
    await ensureDefaultBranch(gitea, settings.owner, wanted, report);
    await ensureCollaborators(gitea, settings.owner, wanted, report);
    for (const protection of wanted.protections) {
      await ensureProtection(gitea, settings.owner, wanted.name, protection, report);
    }
  }
}

/** Fills an empty repository: from the snapshot, when asked to, else from where it is imported. */
async function fill(
  context: SetupContext,
  gitea: GiteaClient,
  name: string,
  importFrom: string | undefined,
  importTokenFile: string | undefined,
): Promise<void> {
  const { settings, report } = context;
  const { empty } = await gitea.call<Repository>('GET', `/repos/${settings.owner}/${name}`);
  if (!empty) return;
  const remote = {
    url: `${gitea.url}/${settings.owner}/${name}.git`,
    credentials: gitea.credentials,
    caFile: settings.caFile,
  };
  if (context.restoreForge && settings.snapshots !== undefined) {
    const found = await bundleOf(settings.snapshots, name);
    if (found !== undefined) {
      await restoreRepository({ name, url: remote.url }, found.source, found.key, found.references, false, remote);
      report.changed(
        `${settings.owner}/${name}: ${Object.keys(found.references).length} branches and tags from snapshot ${found.id}`,
      );
      return;
    }
  }
  if (importFrom === undefined) return;
  const token = importTokenFile === undefined ? '' : (await readFile(importTokenFile, 'utf8')).trim();
  const source = {
    url: importFrom,
    ...(token === '' ? {} : { credentials: { username: 'x-access-token', password: token } }),
  };
  try {
    await withMirror(source, (mirror) => pushAll(mirror, remote));
  } catch (error) {
    report.note(
      `${settings.owner}/${name} is empty and was not imported from ${importFrom}: ${(error as Error).message}; push it, then run again`,
    );
    return;
  }
  report.changed(`${settings.owner}/${name}: all branches and tags imported from ${importFrom}`);
}

async function bundleOf(snapshots: { folder: string; keyFile: string }, name: string) {
  const store = new SnapshotStore(snapshots.folder);
  const id = await store.latest();
  if (id === undefined) return undefined;
  const key = await readKey(snapshots.keyFile);
  const { manifest, damage } = await checkSnapshot(store, id, key);
  if (damage.length > 0)
    throw new ProgramEnd(exitCode.damaged, `snapshot ${id} cannot be trusted:\n  ${damage.join('\n  ')}`);
  const file = manifest.files.find((candidate) => candidate.name === `repository:${name}`);
  if (file === undefined) return undefined;
  return {
    id,
    key,
    source: { path: store.pathOf(file.path), name: file.path },
    references: manifest.references[name] ?? {},
  };
}

/** An empty forge beside snapshots means that it was lost: starting anew would bury what they hold. */
async function refuseBesideSnapshots(context: SetupContext, what: string, repository?: string): Promise<void> {
  const { snapshots } = context.settings;
  if (snapshots === undefined || context.restoreForge) return;
  const store = new SnapshotStore(snapshots.folder);
  const id = await store.latest();
  if (id === undefined) return;
  const { references } = await store.manifest(id);
  const saved = Object.entries(references).filter(
    ([name, refs]) => Object.keys(refs).length > 0 && (repository ?? name) === name,
  );
  if (saved.length === 0) return;
  throw new ProgramEnd(
    exitCode.refused,
    `${what}, but snapshot ${id} holds ${saved.map(([name]) => name).join(' and ')}. Was the data of the forge lost or not mounted? ` +
      'Mount it and run again, or run with --restore-forge to bring the repositories back from the snapshot',
  );
}

async function setUpApplication(
  context: SetupContext,
  gitea: GiteaClient,
  application: ForgeSetupSettings['applications'][number],
): Promise<void> {
  const { settings, report } = context;
  const { idKey, secretKey, ...target } = application.secret;
  const client = context.client();
  const present = await readSecret(client, target);
  const held = present?.[idKey] && present[secretKey] ? { id: present[idKey], secret: present[secretKey] } : undefined;
  const { identity } = await ensureApplication(gitea, application, held, report, settings.caFile);
  const written = await writeSecret(client, target, { [idKey]: identity.id, [secretKey]: identity.secret }, report);
  if (written && application.restart !== undefined) await restartPods(client, application.restart, report);
}

/** The Secrets of the forge's consumers. A token that several of them hold is one token. */
async function setUpSecrets(context: SetupContext, gitea: GiteaClient): Promise<void> {
  const { settings, report } = context;
  const client = context.client();
  const tokens = new Map<string, { wanted: Extract<ValueSource, { token: unknown }>['token']; held: string[] }>();
  for (const secret of settings.secrets) {
    const present = (await readSecret(client, secret)) ?? {};
    for (const [key, source] of Object.entries(secret.values)) {
      if (!('token' in source)) continue;
      const id = `${source.token.user}/${source.token.name}`;
      const entry = tokens.get(id) ?? { wanted: source.token, held: [] };
      const value = present[key];
      if (value) entry.held.push(value);
      tokens.set(id, entry);
    }
  }
  const values = new Map<string, string>();
  for (const [id, { wanted, held }] of tokens) values.set(id, await ensureToken(gitea, wanted, held, report));
  for (const secret of settings.secrets) {
    const data: Record<string, string> = {};
    for (const [key, source] of Object.entries(secret.values)) {
      if ('token' in source) data[key] = values.get(`${source.token.user}/${source.token.name}`) ?? '';
      else data[key] = await plainValue(client, source);
    }
    await writeSecret(client, secret, data, report);
  }
}

async function plainValue(client: KubernetesClient, source: Exclude<ValueSource, { token: unknown }>): Promise<string> {
  if ('literal' in source) return source.literal;
  if ('token' in source) {
    throw new ProgramEnd(
      exitCode.usage,
      'a pipeline secret takes a token from the Secret that holds it, not by itself',
    );
  }
  const { namespace, name, key } = source.secret;
  const value = (await readSecret(client, { namespace, name }))?.[key];
  if (value) return value;
  if (source.otherwise !== undefined) return source.otherwise;
  throw new ProgramEnd(exitCode.usage, `Secret ${namespace}/${name} has no key ${key}`);
}

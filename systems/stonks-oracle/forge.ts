import type { RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import {
  consumerSecret,
  ForgeSetup,
  forgeAdminSecret,
  forgeToken,
  gitCredentials,
  giteaEnvironment,
  literal,
  oauthApplication,
  type PipelineSecret,
  woodpeckerTokenSecret,
} from '../../constructs/forge-setup/index.ts';
import { stageBranch } from '../../constructs/kargo/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { stonksRepository } from '../stonks/application.ts';
import { pipelineSecrets } from './application.ts';
import type { CiNames } from './ci.ts';
import { providedSecrets, type StonksSecrets } from './secrets.ts';
import type { Settings } from './settings.ts';

/** The Jobs of the set-up, for the install plan. */
export interface ForgeJobs {
  readonly secrets: readonly SecretRef[];
  readonly forge: Job;
  readonly woodpecker: Job;
}

interface Job {
  readonly path: string;
  readonly namespace: string;
  readonly name: string;
}

/** Users, repositories, protection, OAuth2 applications, Woodpecker's repository and webhook (R1, R2.3, R25.1). */
export function composeForge(
  output: SystemOutput,
  settings: Settings,
  context: RenderContext,
  ci: CiNames,
  secrets: StonksSecrets,
): ForgeJobs {
  const { forge, namespaces, hosts, people, registry, storage, images } = settings;
  const { users } = forge;
  const namespace = namespaces.setUp;
  const component = 'forge-setup';
  const repository = (name: string) => `${forge.url}/${forge.owner}/${name}.git`;
  const account = (name: string, fullName: string) => ({ name, fullName, email: `${name}@${hosts.ci}` });
  const reads = (secret: SecretRef, url: string) =>
    consumerSecret(secret, {
      type: literal('git'),
      url: literal(url),
      username: literal(users.argoCd),
      password: forgeToken(users.argoCd, 'read', ['read:repository']),
    });
  const provided = providedSecrets(settings);

  const setup = new ForgeSetup(output.chart('install/forge/forge-setup', { namespace, component }), 'ForgeSetup', {
    system: output.system,
    program: context.program('forge-setup'),
    image: images.nodeWithGit,
    url: forge.url,
    admin: { secret: forgeAdminSecret(namespace), email: `${users.admin}@${hosts.ci}` },
    sshPort: forge.sshPort,
    deployment: {
      namespace: forge.namespace,
      name: forge.deployment,
      environment: giteaEnvironment({ url: forge.url, webhookHosts: `private,*.svc.cluster.local,${hosts.argoCd}` }),
    },
    owner: forge.owner,
    users: [
      account(users.ci, 'Pipeline'),
      account(users.kargo, 'Kargo'),
      account(users.argoCd, 'Argo CD'),
      account(users.audit, 'Audit recorder'),
    ],
    packageWriters: [users.ci],
    repositories: [
      {
        name: forge.applicationRepository,
        defaultBranch: stonksRepository.branch,
        collaborators: [
          { user: users.ci, permission: 'write' },
          { user: users.kargo, permission: 'read' },
          { user: users.argoCd, permission: 'read' },
        ],
        protections: [],
        importFrom: settings.mirror.url,
      },
      {
        name: forge.pipelinesRepository,
        defaultBranch: 'main',
        collaborators: [
          { user: users.kargo, permission: 'write' },
          { user: users.argoCd, permission: 'read' },
          { user: users.audit, permission: 'write' },
        ],
        protections: [
          { pattern: 'main', pushers: [users.admin] },
          { pattern: stageBranch('*'), pushers: [users.kargo] },
          { pattern: 'audit', pushers: [users.audit] },
        ],
      },
    ],
    applications: [
      oauthApplication('woodpecker', [`https://${hosts.ci}/authorize`], ci.secrets.oauth, {
        namespace: namespaces.woodpecker,
        podLabels: { 'app.kubernetes.io/name': 'woodpecker-server' },
      }),
      oauthApplication('kargo', [`https://${hosts.kargo}/dex/callback`], secrets.kargoLogin),
    ],
    secrets: [
      gitCredentials(secrets.kargoGit, users.kargo, forgeToken(users.kargo, 'promotions', ['write:repository']), {
        repoURL: repository(forge.pipelinesRepository),
      }),
      consumerSecret(secrets.commitStatus, { token: forgeToken(users.kargo, 'statuses', ['read:repository']) }),
      reads(secrets.applicationRepository, repository(forge.applicationRepository)),
      reads(secrets.pipelinesRepository, repository(forge.pipelinesRepository)),
      gitCredentials(secrets.audit, users.audit, forgeToken(users.audit, 'anchor', ['write:repository'])),
    ],
    people: [...people.operators, ...people.approvers],
    woodpecker: {
      url: `https://${hosts.ci}`,
      internalUrl: ci.webhookUrl,
      webhookUrl: ci.webhookUrl,
      repository: forge.applicationRepository,
      timeoutMinutes: ci.timeoutMinutes,
      configFile: '.woodpecker.yml',
      tokenSecret: woodpeckerTokenSecret(namespace),
      secrets: pipelineSecretValues(users.ci, registry.credentials, provided),
    },
    snapshots: {
      volume: {
        nfs: { server: storage.share.server, path: `${storage.share.path}/${storage.volumes.kargo.directory}` },
      },
      key: secrets.stateKeys.setUp,
      uid: storage.volumes.kargo.uid,
    },
  });
  const chart = (path: string) => output.chart(path, { namespace, component });
  const named = (path: string, job: { namespace: string; jobName: string }): Job => ({
    path: `${path}.yaml`,
    namespace: job.namespace,
    name: job.jobName,
  });
  return {
    secrets: [...setup.secrets, woodpeckerTokenSecret(namespace)],
    forge: named('install/forge/job', setup.forge(chart('install/forge/job'), 'Job')),
    woodpecker: named('install/ci/job', setup.woodpecker(chart('install/ci/job'), 'Job')),
  };
}

/** Each exists always: a pipeline with an unknown secret does not start. What nobody gave is `unset`, and the steps say so. */
function pipelineSecretValues(
  ciUser: string,
  login: boolean,
  provided: ReturnType<typeof providedSecrets>,
): readonly PipelineSecret[] {
  const from = (ref: SecretRef, key: string) => ({
    secret: { namespace: ref.namespace, name: ref.name, key },
    otherwise: 'unset',
  });
  return [
    {
      name: pipelineSecrets.forgeToken.name,
      value: forgeToken(ciUser, 'pipeline', ['write:repository', 'write:package']),
    },
    { name: pipelineSecrets.mirrorToken.name, value: from(provided.mirror, 'token') },
    ...(login && provided.registry
      ? [
          { name: pipelineSecrets.registryUser.name, value: from(provided.registry, 'username') },
          { name: pipelineSecrets.registryPassword.name, value: from(provided.registry, 'password') },
        ]
      : []),
  ];
}

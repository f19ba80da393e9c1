import { describe, expect, test } from 'vitest';
import { type KubernetesObject, SystemOutput } from '../../../constructs/core/index.ts';
import {
  consumerSecret,
  ForgeSetup,
  type ForgeSetupProps,
  forgeAdminSecret,
  forgeToken,
  gitCredentials,
  giteaEnvironment,
  literal,
  oauthApplication,
  woodpeckerTokenSecret,
} from '../../../constructs/forge-setup/index.ts';
import { stateKeySecret } from '../../../constructs/state/index.ts';
import type { SecretRef } from '../../../model/secret-ref.ts';

const ref = (
  namespace: string,
  name: string,
  keys: string[],
  provenance: SecretRef['provenance'] = 'forge-setup',
): SecretRef => ({
  namespace,
  name,
  keys,
  provenance,
  purpose: 'test',
});
const oauth = ref('woodpecker', 'woodpecker-oauth', ['client-id', 'client-secret']);
const mirror = ref('pipelines-set-up', 'github-token', ['token'], 'provided');

const props: ForgeSetupProps = {
  system: 'stonks-oracle',
  program: 'console.log(1)',
  image: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm' },
  url: 'http://10.1.1.12:30300',
  admin: { secret: forgeAdminSecret('pipelines-set-up'), email: 'admin@celestium.life' },
  deployment: {
    namespace: 'git-server',
    name: 'gitea',
    environment: giteaEnvironment({ url: 'http://10.1.1.12:30300' }),
  },
  owner: 'stonks',
  users: [{ name: 'kargo', email: 'kargo@celestium.life', fullName: 'Kargo' }],
  repositories: [
    {
      name: 'pipelines',
      defaultBranch: 'main',
      collaborators: [],
      protections: [{ pattern: 'stage/*', pushers: ['kargo'] }],
    },
  ],
  applications: [
    oauthApplication('woodpecker', ['https://stonks-ci.celestium.life/authorize'], oauth, {
      namespace: 'woodpecker',
      podLabels: { 'app.kubernetes.io/name': 'woodpecker-server' },
    }),
  ],
  secrets: [
    gitCredentials(
      ref('kargo-shared-resources', 'pipelines-git', ['repoURL', 'username', 'password']),
      'kargo',
      forgeToken('kargo', 'kargo-git', ['write:repository']),
      {
        repoURL: 'http://10.1.1.12:30300/stonks/pipelines.git',
      },
    ),
  ],
  woodpecker: {
    url: 'https://stonks-ci.celestium.life',
    webhookUrl: 'http://woodpecker-server.woodpecker.svc:8000/api/hook',
    repository: 'stonks-oracle',
    timeoutMinutes: 180,
    configFile: '.woodpecker.yml',
    tokenSecret: woodpeckerTokenSecret('pipelines-set-up'),
    secrets: [
      {
        name: 'github_token',
        value: { secret: { namespace: mirror.namespace, name: mirror.name, key: 'token' }, otherwise: 'unset' },
      },
    ],
  },
  snapshots: {
    volume: { nfs: { server: '192.168.42.8', path: '/volume1/Kubernetes/pipelines/kargo' } },
    key: stateKeySecret('pipelines-set-up'),
  },
};

function render(change: Partial<ForgeSetupProps> = {}) {
  const output = new SystemOutput('stonks-oracle');
  const chart = output.chart('install/forge/program', { namespace: 'pipelines-set-up' });
  const setup = new ForgeSetup(chart, 'ForgeSetup', { ...props, ...change });
  const forge = setup.forge(output.chart('install/forge/job', { namespace: 'pipelines-set-up' }), 'Job');
  const woodpecker = setup.woodpecker(output.chart('install/ci/job', { namespace: 'pipelines-set-up' }), 'Job');
  const file = (path: string): readonly KubernetesObject[] =>
    output.files().find((candidate) => candidate.path === path)?.objects ?? [];
  return { setup, forge, woodpecker, file };
}

describe('the forge set-up as Jobs', () => {
  test('each Job stands alone in its file and runs its half', () => {
    const { file, forge, woodpecker } = render();
    for (const [path, job, command] of [
      ['install/forge/job.yaml', forge, 'forge'],
      ['install/ci/job.yaml', woodpecker, 'woodpecker'],
    ] as const) {
      expect(file(path)).toHaveLength(1);
      expect(file(path)[0]).toMatchObject({
        kind: 'Job',
        metadata: { name: job.jobName, namespace: 'pipelines-set-up' },
        spec: {
          template: {
            spec: {
              containers: [
                { command: ['node', '/program/forge-setup.cjs', command, '--settings', '/program/settings.json'] },
              ],
            },
          },
        },
      });
    }
  });

  test('the settings name files and Secrets, and hold no value of a Secret', () => {
    const { file } = render();
    const config = file('install/forge/program.yaml').find(({ kind }) => kind === 'ConfigMap') as unknown as {
      data: Record<string, string>;
    };
    expect(JSON.parse(config.data['settings.json'] ?? '')).toMatchObject({
      format: 'forge-setup-settings/1',
      admin: { passwordFile: '/run/secrets/forge-admin/password' },
      woodpecker: { secrets: [{ name: 'github_token', events: ['push', 'manual'] }] },
      snapshots: { folder: '/snapshots', keyFile: '/run/secrets/state-key/key' },
    });
  });

  test('may write the Secrets of its consumers by name, replace their pods, and configure Gitea: nothing else', () => {
    const { file } = render();
    const objects = file('install/forge/program.yaml');
    expect(objects.filter(({ kind }) => kind === 'ClusterRole')).toEqual([]);
    const rules = Object.fromEntries(
      objects
        .filter(({ kind }) => kind === 'Role')
        .map((role) => [role.metadata.namespace, (role as unknown as { rules: object[] }).rules]),
    );
    const make = { apiGroups: [''], resources: ['secrets'], verbs: ['create'] };
    expect(rules).toEqual({
      woodpecker: [
        make,
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['woodpecker-oauth'], verbs: ['get', 'patch'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['list', 'delete'] },
      ],
      'kargo-shared-resources': [
        make,
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['pipelines-git'], verbs: ['get', 'patch'] },
      ],
      'pipelines-set-up': [
        make,
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['woodpecker-token'], verbs: ['get', 'patch'] },
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['github-token'], verbs: ['get'] },
      ],
      'git-server': [
        { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['gitea'], verbs: ['get', 'patch'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      ],
    });
  });

  test('Secrets need a source for each key, and no other owner', () => {
    const git = ref('argocd', 'repository', ['type', 'url', 'username', 'password']);
    expect(() => gitCredentials(git, 'argocd', literal('x'), { url: 'u' })).toThrow('no source for type');
    expect(() => consumerSecret(ref('a', 'b', ['c'], 'generated'), { c: literal('x') })).toThrow('is generated');
    expect(() => oauthApplication('x', ['https://x'], ref('a', 'b', ['id']))).toThrow('fills two keys');
    expect(() => render({ admin: { secret: forgeAdminSecret('elsewhere'), email: 'a@b.c' } })).toThrow(
      'of its own namespace',
    );
  });

  test('Gitea learns its address, who its webhooks may call, and how long log-ins last', () => {
    expect(giteaEnvironment({ url: 'http://10.1.1.12:30300' })).toEqual({
      GITEA__server__ROOT_URL: 'http://10.1.1.12:30300/',
      GITEA__server__DOMAIN: '10.1.1.12',
      GITEA__webhook__ALLOWED_HOST_LIST: 'private',
      GITEA__oauth2__ACCESS_TOKEN_EXPIRATION_TIME: '86400',
      GITEA__oauth2__REFRESH_TOKEN_EXPIRATION_TIME: '17520',
    });
  });
});

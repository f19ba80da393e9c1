import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import {
  consumerSecret,
  ForgeSetup,
  forgeAdminSecret,
  forgeToken,
  oauthApplication,
} from '../../../constructs/forge-setup/index.ts';
import { type ComponentStateProps, StateJobs, StateSchedule, stateKeySecret } from '../../../constructs/state/index.ts';
import type { ForgeSetupSettings } from '../../../model/forge-setup/settings.ts';
import type { SecretRef } from '../../../model/secret-ref.ts';
import type { StateSettings } from '../../../model/state/settings.ts';
import { Report } from '../../../runtime/forge-setup/report.ts';
import { setUpForge } from '../../../runtime/forge-setup/setup.ts';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { connectionFromKubeconfig } from '../../../runtime/kubernetes/connection.ts';
import { isReason } from '../../../runtime/kubernetes/errors.ts';
import {
  CONFIG_MAPS,
  FREIGHTS,
  type KubernetesObject,
  NAMESPACES,
  PROJECTS,
  PROMOTIONS,
  type Resource,
  SECRETS,
  STAGES,
  WAREHOUSES,
} from '../../../runtime/kubernetes/resources.ts';
import { restore, snapshot } from '../../../runtime/state/commands.ts';
import { git } from '../../../runtime/state/git.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { GiteaStandIn } from '../../unit/forge-setup/gitea-stand-in.ts';
import { desiredObjects, project, sampleState, stageNames } from '../../unit/state/sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'state-rights-'));
const image = { repository: 'docker.io/library/node', tag: '22.12.0-bookworm' };
const secret: SecretRef = {
  namespace: project,
  name: 'commit-status',
  keys: ['token'],
  provenance: 'forge-setup',
  purpose: 'x',
};
const oauth: SecretRef = {
  namespace: 'woodpecker',
  name: 'woodpecker-oauth',
  keys: ['id', 'secret'],
  provenance: 'forge-setup',
  purpose: 'x',
};
let plane: Plane;
let admin: KubernetesClient;
const clients: KubernetesClient[] = [];

beforeAll(async () => {
  plane = await startPlane({ crds: ['kargo'] });
  admin = new KubernetesClient(connectionFromKubeconfig([plane.kubeconfig]));
  for (const name of ['kargo', 'woodpecker', 'pipelines-set-up', project]) {
    await admin.create(NAMESPACES, { metadata: { name, labels: { 'kargo.akuity.io/project': 'true' } } });
  }
  writeFileSync(join(folder, 'key'), '5e'.repeat(32));
  writeFileSync(join(folder, 'desired.json'), JSON.stringify(desiredObjects()));
  const output = new SystemOutput('stonks-oracle');
  const props: ComponentStateProps = {
    system: 'stonks-oracle',
    part: 'kargo',
    program: '1',
    image,
    claimName: 'kargo-state',
    uid: 1000,
    key: stateKeySecret('kargo'),
    kargo: { project, stages: stageNames },
    secrets: [secret],
  };
  new StateSchedule(output.chart('a', { namespace: 'kargo' }), 'State', props);
  new StateJobs(output.chart('b', { namespace: 'kargo' }), 'State', props);
  new ForgeSetup(output.chart('c', { namespace: 'pipelines-set-up' }), 'ForgeSetup', {
    system: 'stonks-oracle',
    program: '1',
    image,
    url: 'http://forge',
    admin: { secret: forgeAdminSecret('pipelines-set-up'), email: 'a@b.c' },
    owner: 'stonks',
    users: [],
    repositories: [],
    applications: [
      oauthApplication('woodpecker', [], oauth, { namespace: 'woodpecker', podLabels: { app: 'server' } }),
    ],
    secrets: [consumerSecret(secret, { token: forgeToken('kargo', 'statuses', []) })],
  });
  const kinds = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'];
  await plane.apply(output.files().flatMap(({ objects }) => objects.filter(({ kind }) => kinds.includes(kind))));
});

afterAll(async () => {
  for (const client of [admin, ...clients]) client?.close();
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A client that is this account, with its token and nothing else. */
async function clientOf(namespace: string, name: string): Promise<KubernetesClient> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = await admin.raw<{ status: { token: string } }>('POST', path, request);
  const client = new KubernetesClient({ ...admin.connection, token: async () => status.token });
  clients.push(client);
  return client;
}

function settings(): StateSettings {
  return {
    format: 'state-settings/1',
    system: 'stonks-oracle',
    part: 'kargo',
    folder: join(folder, 'volume'),
    keyFile: join(folder, 'key'),
    retention: { recent: 5, daily: 5 },
    kargo: { project, controllerNamespace: 'kargo', stages: stageNames, spacedPerStage: 0 },
    secrets: [{ namespace: secret.namespace, name: secret.name }],
  };
}

const context = (client: KubernetesClient) => ({
  settings: settings(),
  client: () => client,
  now: () => new Date(),
  log: () => undefined,
});

describe('the accounts have the rights that their programs need, and no others', () => {
  test('the schedule reads a whole project and cannot change it', async () => {
    const sample = sampleState({ freights: 3, promotions: 12 });
    const make = async (resource: Resource, object: KubernetesObject): Promise<void> => {
      const { ownerReferences: _, ...metadata } = object.metadata;
      const made = await admin.create(resource, { ...object, metadata });
      await admin.replaceStatus(resource, { ...made, status: object.status });
    };
    await make(PROJECTS, sample.project);
    await make(WAREHOUSES, sample.warehouse);
    for (const stage of sample.stages) await make(STAGES, stage);
    for (const freight of sample.freights) await make(FREIGHTS, freight);
    for (const promotion of sample.promotions) await make(PROMOTIONS, promotion);
    await admin.create(SECRETS, { metadata: { name: secret.name, namespace: project }, data: { token: 'eA==' } });
    await admin.create(SECRETS, { metadata: { name: 'other', namespace: project }, data: { token: 'eA==' } });

    const client = await clientOf('kargo', 'state-snapshot');
    const manifest = await snapshot(context(client), { acceptLoss: false });
    expect(manifest.counts).toMatchObject({ promotions: 12, freights: 3, stages: 4, projects: 1, secrets: 1 });
    const attempts = [
      () => client.delete(PROMOTIONS, sample.promotions[0]?.metadata.name ?? '', { namespace: project }),
      () => client.create(CONFIG_MAPS, { metadata: { name: 'x', namespace: project } }),
      () => client.get(SECRETS, 'other', project),
      () => client.list(SECRETS, { namespace: project }),
      () => client.get(PROJECTS, 'another'),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toSatisfy((error) => isReason(error, 'Forbidden'));
    }
  });

  test('the Jobs bring everything back, and cannot delete or read what is not theirs', async () => {
    await admin.delete(PROJECTS, project);
    for (const resource of [PROMOTIONS, FREIGHTS, STAGES, WAREHOUSES]) {
      for (const { metadata } of (await admin.list(resource, { namespace: project })).items) {
        const where = { name: metadata.name ?? '', namespace: project };
        if (metadata.finalizers) await admin.patch(resource, where, { metadata: { finalizers: null } });
        await admin.delete(resource, where.name, { namespace: project });
      }
    }
    await admin.delete(SECRETS, secret.name, { namespace: project });

    const client = await clientOf('kargo', 'state-jobs');
    const how = {
      desiredFile: join(folder, 'desired.json'),
      dryRun: false,
      ifNeeded: true,
      only: ['objects', 'secrets'],
    } as const;
    await restore(context(client), how);
    expect((await admin.list(PROMOTIONS, { namespace: project })).items).toHaveLength(12);
    expect((await admin.get(SECRETS, secret.name, project)).data).toEqual({ token: 'eA==' });
    expect((await admin.get(CONFIG_MAPS, 'pipelines-restore', 'kargo')).data).toMatchObject({ phase: 'done' });
    const attempts = [
      () => client.delete(STAGES, 'live', { namespace: project }),
      () => client.get(SECRETS, 'other', project),
      () => client.patch(CONFIG_MAPS, { name: 'kube-root-ca.crt', namespace: 'kargo' }, { data: {} }),
      () => client.create(SECRETS, { metadata: { name: 'x', namespace: 'woodpecker' } }),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toSatisfy((error) => isReason(error, 'Forbidden'));
    }
  });

  test('the forge set-up writes the Secrets of its consumers and replaces their pods', async () => {
    await git(['init', '--bare', '--quiet', '--initial-branch=main', join(folder, 'empty.git')]);
    const gitea = new GiteaStandIn(join(folder, 'empty.git'));
    await gitea.start();
    try {
      writeFileSync(join(folder, 'username'), 'forge-admin');
      writeFileSync(join(folder, 'password'), 'pw');
      const pod = {
        containers: [{ name: 'c', image: 'x' }],
        serviceAccountName: 'default',
        automountServiceAccountToken: false,
      };
      await admin
        .create(
          { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
          { metadata: { name: 'default', namespace: 'woodpecker' } },
        )
        .catch(() => undefined);
      const pods: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
      await admin.create(pods, {
        metadata: { name: 'server-1', namespace: 'woodpecker', labels: { app: 'server' } },
        spec: pod,
      });
      const client = await clientOf('pipelines-set-up', 'forge-setup');
      const forge: ForgeSetupSettings = {
        format: 'forge-setup-settings/1',
        system: 'stonks-oracle',
        url: gitea.url,
        admin: { usernameFile: join(folder, 'username'), passwordFile: join(folder, 'password'), email: 'a@b.c' },
        owner: 'stonks',
        users: [{ name: 'kargo', email: 'k@b.c', fullName: 'Kargo' }],
        packageWriters: [],
        repositories: [],
        applications: [
          oauthApplication('woodpecker', ['http://w/authorize'], oauth, {
            namespace: 'woodpecker',
            podLabels: { app: 'server' },
          }),
        ],
        secrets: [consumerSecret(secret, { token: forgeToken('kargo', 'statuses', ['read:repository']) })],
        people: [],
      };
      await setUpForge({
        settings: forge,
        client: () => client,
        report: new Report(() => undefined),
        restoreForge: false,
      });
      expect(Object.keys((await admin.get(SECRETS, oauth.name, oauth.namespace)).data as object).sort()).toEqual([
        'id',
        'secret',
      ]);
      expect((await admin.get(SECRETS, secret.name, project)).data).not.toEqual({ token: 'eA==' });
      const left = (await admin.list(pods, { namespace: 'woodpecker' })).items;
      expect(left.filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toEqual([]);
      await expect(client.get(SECRETS, 'other', project)).rejects.toSatisfy((error) => isReason(error, 'Forbidden'));
      expect(gitea.unknown).toEqual([]);
    } finally {
      await gitea.stop();
    }
  });
});

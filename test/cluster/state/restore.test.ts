import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StateSettings } from '../../../model/state/settings.ts';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { connectionFromKubeconfig } from '../../../runtime/kubernetes/connection.ts';
import {
  CONFIG_MAPS,
  FREIGHTS,
  type KubernetesObject,
  NAMESPACES,
  PROJECT_CONFIGS,
  PROJECTS,
  PROMOTIONS,
  type Resource,
  STAGES,
  WAREHOUSES,
} from '../../../runtime/kubernetes/resources.ts';
import { canonical } from '../../../runtime/state/manifest.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { desiredObjects, project, sampleState, stageNames } from '../../unit/state/sample.ts';

const program = join(import.meta.dirname, '../../../build/runtime/state.cjs');
const folder = mkdtempSync(join(tmpdir(), 'restore-drill-'));
const counts = { freights: 200, promotions: 1000 };
let plane: Plane;
let client: KubernetesClient;

beforeAll(async () => {
  writeFileSync(join(folder, 'key'), `${'5e'.repeat(32)}\n`);
  const settings: StateSettings = {
    format: 'state-settings/1',
    system: 'stonks-oracle',
    part: 'kargo',
    folder: join(folder, 'volume'),
    keyFile: join(folder, 'key'),
    retention: { recent: 5, daily: 5 },
    kargo: { project, controllerNamespace: 'kargo', stages: [...stageNames], spacedPerStage: 2 },
  };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'desired.json'), JSON.stringify(desiredObjects()));
  await newCluster();
});

afterAll(async () => {
  client?.close();
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A cluster with nothing but Kargo's definitions and its namespace: what is there after etcd was lost. */
async function newCluster(): Promise<void> {
  client?.close();
  await plane?.stop();
  plane = await startPlane({ crds: ['kargo'] });
  client = new KubernetesClient(connectionFromKubeconfig([plane.kubeconfig]));
  await client.create(NAMESPACES, { metadata: { name: 'kargo' } });
}

interface Run {
  code: number | null;
  output: string;
}

function state(args: string[], killWhen?: () => Promise<boolean>): Promise<Run> {
  return new Promise((fulfil, reject) => {
    const child = spawn(process.execPath, [program, ...args, '--settings', join(folder, 'settings.json')], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, KUBECONFIG: plane.kubeconfig },
    });
    let output = '';
    const take = (text: Buffer): void => {
      output += text;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => fulfil({ code, output }));
    if (killWhen !== undefined) {
      void (async () => {
        while (child.exitCode === null && !(await killWhen())) await delay(20);
        child.kill('SIGKILL');
      })();
    }
  });
}

const restoreArgs = (): string[] => ['restore', '--desired', join(folder, 'desired.json')];

async function populate(): Promise<void> {
  const sample = sampleState(counts);
  await client.create(NAMESPACES, { metadata: { name: project, labels: { 'kargo.akuity.io/project': 'true' } } });
  const uids = new Map<string, string>();
  const make = async (resource: Resource, object: KubernetesObject): Promise<void> => {
    const { status, ...rest } = object;
    const owners = object.metadata.ownerReferences?.map((owner) => ({
      ...owner,
      uid: uids.get(owner.name) ?? owner.uid,
    }));
    const made = await client.create(resource, {
      ...rest,
      metadata: { ...object.metadata, ...(owners === undefined ? {} : { ownerReferences: owners }) },
    } as KubernetesObject);
    if (resource === STAGES) uids.set(object.metadata.name ?? '', made.metadata.uid ?? '');
    await client.replaceStatus(resource, { ...made, status });
  };
  await make(PROJECTS, sample.project);
  await make(WAREHOUSES, sample.warehouse);
  for (const stage of sample.stages) await make(STAGES, stage);
  for (const [resource, objects] of [
    [FREIGHTS, sample.freights],
    [PROMOTIONS, sample.promotions],
  ] as const) {
    for (let at = 0; at < objects.length; at += 8) {
      await Promise.all(objects.slice(at, at + 8).map((object) => make(resource, object)));
    }
  }
}

/** Names, annotations, labels, content, status; without what one cluster's API server gives. */
function comparable(objects: KubernetesObject[]): string[] {
  return objects
    .map(({ metadata, ...rest }) =>
      canonical({
        ...rest,
        metadata: {
          name: metadata.name,
          labels: metadata.labels,
          annotations: metadata.annotations,
          finalizers: metadata.finalizers,
          owners: metadata.ownerReferences?.map((owner) => owner.name),
        },
      }),
    )
    .sort();
}

async function everything(resource: Resource): Promise<KubernetesObject[]> {
  return (await client.list(resource, { namespace: project })).items;
}

describe('a project with 1,000 promotions, 200 freight and 4 stages', () => {
  let before: Record<'freights' | 'promotions' | 'stages' | 'warehouses', KubernetesObject[]>;

  test('is saved in a sealed snapshot that becomes the latest', async () => {
    await populate();
    before = {
      freights: await everything(FREIGHTS),
      promotions: await everything(PROMOTIONS),
      stages: await everything(STAGES),
      warehouses: await everything(WAREHOUSES),
    };
    const run = await state(['snapshot']);
    expect(run.output).toContain('200 freights, 1000 promotions');
    expect(run.output).toContain('checked; it is the latest');
    expect(run.code).toBe(0);
  });

  test('a dry run shows what would come back and changes nothing', async () => {
    await newCluster();
    const run = await state([...restoreArgs(), '--dry-run']);
    expect(run.code).toBe(0);
    expect(run.output).toContain('would restore Stage paper (spec from Git, status from the snapshot)');
    expect(run.output).toMatch(/would restore 250 Promotions of stage live, newest live\./);
    expect(run.output).toMatch(/would abort Promotion paper\..* which was under way/);
    expect(run.output).toContain('left to the end of the installation: ProjectConfig stonks-pipeline');
    expect((await client.list(PROJECTS)).items).toEqual([]);
    expect(await client.find(NAMESPACES, project)).toBeUndefined();
    expect(await client.find(CONFIG_MAPS, 'pipelines-restore', 'kargo')).toBeUndefined();
  });

  test('nothing comes back while webhooks, the gate or a controller would interfere, and each is named', async () => {
    const rules = [
      { apiGroups: ['kargo.akuity.io'], apiVersions: ['*'], operations: ['CREATE'], resources: ['promotions'] },
    ];
    const obstacles: KubernetesObject[] = [
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: 'kargo' },
        webhooks: [
          {
            name: 'promotion.kargo.akuity.io',
            rules: [{ ...rules[0], resources: ['nothing'] }],
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            clientConfig: { url: 'https://127.0.0.1:1/x' },
          },
        ],
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name: 'gate-promotion-create' },
        spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression: 'true' }] },
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name: 'gate-promotion-create' },
        spec: { policyName: 'gate-promotion-create', validationActions: ['Deny'] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'kargo-controller', namespace: 'kargo' },
        spec: {
          replicas: 1,
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
        },
      },
    ];
    for (const object of obstacles) {
      const made = await plane.kubectl(['create', '-f', '-'], JSON.stringify(object));
      expect(made.stderr).toBe('');
    }
    const run = await state(restoreArgs());
    expect(run.code).toBe(3);
    expect(run.output).toContain('MutatingWebhookConfiguration kargo exists');
    expect(run.output).toContain('ValidatingAdmissionPolicyBinding gate-promotion-create exists');
    expect(run.output).toContain('Deployment kargo/kargo-controller is not at 0 replicas');
    expect((await client.list(PROJECTS)).items).toEqual([]);
    for (const { kind, metadata } of obstacles) {
      await plane.kubectl([
        'delete',
        String(kind),
        metadata.name ?? '',
        ...(metadata.namespace ? ['-n', metadata.namespace] : []),
      ]);
    }
  });

  test('comes back equal after the cluster is lost, although the restore is killed half-way', async () => {
    const killed = await state(restoreArgs(), async () => (await everything(PROMOTIONS)).length >= 400);
    expect(killed.code).not.toBe(0);
    const half = (await everything(PROMOTIONS)).length;
    expect(half).toBeGreaterThanOrEqual(400);
    expect(half).toBeLessThan(1000);

    const started = Date.now();
    const run = await state(restoreArgs());
    const seconds = (Date.now() - started) / 1000;
    console.log(`resumed with ${half} of 1000 promotions; the rest and the comparison took ${seconds.toFixed(1)} s`);
    expect(run.output).toContain('going on with the restore of snapshot');
    expect(run.output).toContain('Kargo: restored');
    expect(run.code).toBe(0);
    await expectEverythingBack(before);
  });

  test('a second restore changes nothing', async () => {
    const versions = (await everything(PROMOTIONS)).map((promotion) => promotion.metadata.resourceVersion);
    const run = await state(restoreArgs());
    expect(run.output).toContain('already-restored');
    expect(run.code).toBe(0);
    expect((await everything(PROMOTIONS)).map((promotion) => promotion.metadata.resourceVersion)).toEqual(versions);
  });

  test('newer state is never overwritten', async () => {
    await client.delete(CONFIG_MAPS, 'pipelines-restore', { namespace: 'kargo' });
    const [first, ...others] = await everything(PROMOTIONS);
    const { status: _, ...content } = first as KubernetesObject;
    await client.create(PROMOTIONS, {
      ...content,
      metadata: { name: 'beta.01zz.newer', namespace: project },
    } as KubernetesObject);
    const freight = (await everything(FREIGHTS))[0]?.metadata.name ?? '';
    await client.patch(FREIGHTS, { name: freight, namespace: project }, { metadata: { finalizers: null } });
    await client.delete(FREIGHTS, freight, { namespace: project });
    const run = await state(restoreArgs());
    expect(run.code).toBe(3);
    expect(run.output).toContain('holds 1 objects that are not in the snapshot (Promotion beta.01zz.newer)');
    const lenient = await state([...restoreArgs(), '--if-needed']);
    expect(lenient.code).toBe(0);
    expect(lenient.output).toContain('its own state is kept');
    expect(await everything(PROMOTIONS)).toHaveLength(others.length + 2);
  });

  test('comes back in one go within a minute', async () => {
    await newCluster();
    const started = Date.now();
    const run = await state(restoreArgs());
    const seconds = (Date.now() - started) / 1000;
    console.log(`restored 1 project, 4 stages, 200 freight, 1000 promotions in ${seconds.toFixed(1)} s`);
    expect(run.code).toBe(0);
    expect(seconds).toBeLessThan(60);
    await expectEverythingBack(before);
  });
});

async function expectEverythingBack(before: Record<string, KubernetesObject[]>): Promise<void> {
  const promotions = await everything(PROMOTIONS);
  expect(comparable(await everything(FREIGHTS))).toEqual(comparable(before.freights ?? []));

  // All but the two that were under way are equal in every field.
  const underWay = (before.promotions ?? []).filter((promotion) =>
    ['Pending', 'Running'].includes((promotion.status as { phase: string }).phase),
  );
  const names = new Set(underWay.map((promotion) => promotion.metadata.name));
  const rest = (objects: KubernetesObject[]): KubernetesObject[] =>
    objects.filter((object) => !names.has(object.metadata.name));
  expect(underWay).toHaveLength(2);
  expect(rest(promotions)).toHaveLength(counts.promotions - 2);
  expect(comparable(rest(promotions))).toEqual(comparable(rest(before.promotions ?? [])));
  for (const promotion of promotions.filter((candidate) => names.has(candidate.metadata.name))) {
    expect(promotion.status).toMatchObject({
      phase: 'Aborted',
      message: expect.stringContaining('interrupted by a rebuild'),
    });
  }

  // Owners are the new stages: the garbage collector keeps every promotion.
  const stages = await everything(STAGES);
  const uids = new Map(stages.map((stage) => [stage.metadata.name ?? '', stage.metadata.uid]));
  for (const promotion of promotions) {
    const owner = promotion.metadata.ownerReferences?.[0];
    expect(owner?.uid).toBe(uids.get(owner?.name ?? ''));
  }

  // The order of time is kept within every stage, and the newest ones have time stamps of their own.
  for (const stage of stageNames) {
    const own = promotions.filter((promotion) => (promotion.spec as { stage: string }).stage === stage);
    const byName = [...own].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
    const stamps = byName.map((promotion) => promotion.metadata.creationTimestamp ?? '');
    expect([...stamps].sort()).toEqual(stamps);
    expect(new Set(stamps.slice(-2)).size).toBe(2);
  }

  for (const stage of stages) {
    const old = (before.stages ?? []).find((candidate) => candidate.metadata.name === stage.metadata.name);
    const { currentPromotion: _, ...expected } = (old?.status ?? {}) as { currentPromotion?: unknown };
    expect(stage.status).toEqual(expected);
    expect((stage.spec as { vars: unknown }).vars).toEqual([{ name: 'fromGit', value: 'yes' }]);
    expect(stage.metadata.annotations).toEqual({ 'kargo.akuity.io/color': 'teal' });
  }
  expect((await everything(WAREHOUSES))[0]?.status).toEqual(before.warehouses?.[0]?.status);
  expect(await everything(PROJECT_CONFIGS)).toEqual([]);
}

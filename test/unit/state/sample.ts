import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';

export const project = 'stonks-pipeline';
export const stageNames = ['ci', 'beta', 'paper', 'live'] as const;
const apiVersion = 'kargo.akuity.io/v1alpha1';
const begin = Date.parse('2026-09-01T12:00:00Z');

export interface SampleState {
  project: KubernetesObject;
  warehouse: KubernetesObject;
  stages: KubernetesObject[];
  freights: KubernetesObject[];
  /** In the order of time. The last two have not ended: one is running, one waits. */
  promotions: KubernetesObject[];
}

const hex = (text: string): string => createHash('sha1').update(text).digest('hex');
const time = (second: number): string => new Date(begin + second * 1000).toISOString().replace('.000', '');
/** A ULID's ten characters of time and sixteen others; sorts by time as the real ones do. */
const ulid = (n: number): string =>
  `01k5${(begin / 1000 + n * 60).toString(32).padStart(10, '0')}${hex(`u${n}`).slice(0, 12)}`;

/** What a project looks like after months: every kind of promotion, notes, holds, metadata. */
export function sampleState(counts: { freights: number; promotions: number }): SampleState {
  const origin = { kind: 'Warehouse', name: 'stonks-images' };
  const freights = Array.from({ length: counts.freights }, (_, n): KubernetesObject => {
    const tag = n % 27 === 0 ? '1'.repeat(40) : hex(`commit ${n}`);
    return {
      apiVersion,
      kind: 'Freight',
      metadata: {
        name: hex(`freight ${n}`),
        namespace: project,
        labels: { 'kargo.akuity.io/alias': `quiet-otter-${n}` },
        finalizers: ['kargo.akuity.io/finalizer'],
      },
      alias: `quiet-otter-${n}`,
      discoveredAt: time(n * 600),
      origin,
      images: [
        {
          repoURL: 'registry.celestium.life/stonks-oracle/query-api',
          tag,
          digest: `sha256:${hex(tag)}${'0'.repeat(24)}`,
        },
      ],
      status: {
        verifiedIn: Object.fromEntries(
          stageNames.slice(0, n % 5).map((stage) => [stage, { verifiedAt: time(n * 600 + 5), longestSoak: '1h0m0s' }]),
        ),
        currentlyIn: n === counts.freights - 1 ? { beta: { since: time(n * 600) } } : {},
        ...(n % 7 === 0 ? { approvedFor: { paper: { approvedAt: time(n * 600 + 9) } } } : {}),
        metadata: { note: `note ${n}`, nested: { tests: n, ok: true } },
      },
    };
  });
  const reference = (n: number) => {
    const freight = freights[n % freights.length] as KubernetesObject;
    return { name: freight.metadata.name, origin, images: freight.images };
  };
  const promotions = Array.from({ length: counts.promotions }, (_, n): KubernetesObject => {
    const stage = stageNames[n % 4] as string;
    const freight = reference(Math.floor((n * counts.freights) / counts.promotions));
    const left = counts.promotions - n;
    const phase =
      left === 1
        ? 'Pending'
        : left === 2
          ? 'Running'
          : ['Succeeded', 'Succeeded', 'Failed', 'Errored', 'Aborted'][n % 5];
    return {
      apiVersion,
      kind: 'Promotion',
      metadata: {
        name: `${stage}.${ulid(n)}.${freight.name?.slice(0, 7)}`,
        namespace: project,
        labels: { 'kargo.akuity.io/stage': stage },
        annotations: {
          'kargo.akuity.io/create-actor': n % 3 === 0 ? 'admin' : `email:trader${n % 9}@celestium.life`,
          ...(stage === 'live'
            ? { 'pipelines.celestium.life/note': `Ticket ${n}: “größer” & <tested>\nsecond line` }
            : {}),
          ...(n % 50 === 3
            ? { 'pipelines.celestium.life/break-glass': 'Broker outage, fix needed before the close' }
            : {}),
        },
        finalizers: ['kargo.akuity.io/finalizer'],
        ownerReferences: [
          {
            apiVersion,
            kind: 'Stage',
            name: stage,
            uid: '00000000-0000-0000-0000-000000000000',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        stage,
        freight: freight.name,
        steps: [{ as: 'step-1', uses: 'git-clone', config: { repoURL: 'http://forge/x.git' } }],
      },
      status: {
        phase,
        ...(phase === 'Pending' ? {} : { startedAt: time(n * 60), freight, currentStep: 0 }),
        ...(phase === 'Pending' || phase === 'Running'
          ? {}
          : { finishedAt: time(n * 60 + 40), message: phase === 'Failed' ? 'integration-test failed: 3 of 120' : '' }),
        ...(phase === 'Pending'
          ? {}
          : {
              freightCollection: { id: hex(`collection ${n}`), items: { 'Warehouse/stonks-images': freight } },
              stepExecutionMetadata: [
                {
                  alias: 'step-1',
                  startedAt: time(n * 60),
                  status: phase,
                  ...(phase === 'Running' ? {} : { finishedAt: time(n * 60 + 40) }),
                },
              ],
              state: { 'step-1': { commit: hex(`c${n}`) } },
            }),
      },
    };
  });
  const stages = stageNames.map((name, n): KubernetesObject => {
    const own = promotions.filter((promotion) => (promotion.spec as { stage: string }).stage === name);
    const ended = own.filter(
      (promotion) => !['Pending', 'Running'].includes((promotion.status as { phase: string }).phase),
    );
    const running = own.find((promotion) => (promotion.status as { phase: string }).phase === 'Running');
    const last = ended.at(-1);
    return {
      apiVersion,
      kind: 'Stage',
      metadata: {
        name,
        namespace: project,
        annotations: { 'kargo.akuity.io/color': 'teal', 'kargo.akuity.io/refresh': 'now' },
      },
      spec: stageSpec(n),
      status: {
        freightHistory: ended
          .slice(-10)
          .reverse()
          .map((promotion) => ({
            id: hex(`${promotion.metadata.name}`),
            items: { 'Warehouse/stonks-images': (promotion.status as { freight: object }).freight },
            verificationHistory: [{ id: hex('v'), phase: 'Successful', startTime: time(1), finishTime: time(2) }],
          })),
        ...(last === undefined
          ? {}
          : {
              lastPromotion: {
                name: last.metadata.name,
                finishedAt: (last.status as { finishedAt: string }).finishedAt,
                status: last.status,
              },
            }),
        ...(running === undefined ? {} : { currentPromotion: { name: running.metadata.name } }),
        autoPromotionEnabled: name === 'beta',
        autoPromotionHolds:
          name === 'paper'
            ? { 'Warehouse/stonks-images': { freightName: freights[0]?.metadata.name, origin, actor: 'admin' } }
            : {},
        freightSummary: 'a',
        health: { status: 'Healthy' },
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Ready',
            message: '',
            lastTransitionTime: time(3),
            observedGeneration: 1,
          },
        ],
        observedGeneration: 1,
        metadata: { lastNonce: n },
      },
    };
  });
  return {
    project: {
      apiVersion,
      kind: 'Project',
      metadata: { name: project },
      status: {
        conditions: [{ type: 'Ready', status: 'True', reason: 'Synced', message: '', lastTransitionTime: time(0) }],
      },
    },
    warehouse: {
      apiVersion,
      kind: 'Warehouse',
      metadata: { name: 'stonks-images', namespace: project },
      spec: warehouseSpec,
      status: { lastFreightID: freights.at(-1)?.metadata.name, observedGeneration: 1 },
    },
    stages,
    freights,
    promotions,
  };
}

const warehouseSpec = {
  interval: '5m0s',
  freightCreationPolicy: 'Automatic',
  subscriptions: [
    {
      image: {
        repoURL: 'registry.celestium.life/stonks-oracle/query-api',
        imageSelectionStrategy: 'NewestBuild',
        allowTagsRegexes: ['^[0-9a-f]{40}$'],
        strictSemvers: true,
        discoveryLimit: 20,
      },
    },
  ],
};

function stageSpec(n: number): unknown {
  const origin = { kind: 'Warehouse', name: 'stonks-images' };
  return {
    requestedFreight: [{ origin, sources: n === 0 ? { direct: true } : { stages: [stageNames[n - 1]] } }],
    promotionTemplate: {
      spec: { steps: [{ uses: 'git-clone', as: 'clone', config: { repoURL: 'http://forge/x.git' } }] },
    },
  };
}

/** What Git holds: the same stages with another spec, an annotation of ours, and the ProjectConfig. */
export function desiredObjects(): KubernetesObject[] {
  return [
    {
      apiVersion,
      kind: 'Project',
      metadata: { name: project, labels: { 'app.kubernetes.io/part-of': 'stonks-oracle' } },
    },
    { apiVersion, kind: 'Warehouse', metadata: { name: 'stonks-images', namespace: project }, spec: warehouseSpec },
    ...stageNames.map(
      (name, n): KubernetesObject => ({
        apiVersion,
        kind: 'Stage',
        metadata: { name, namespace: project, labels: { 'app.kubernetes.io/part-of': 'stonks-oracle' } },
        spec: { ...(stageSpec(n) as object), vars: [{ name: 'fromGit', value: 'yes' }] },
      }),
    ),
    {
      apiVersion,
      kind: 'ProjectConfig',
      metadata: { name: project, namespace: project },
      spec: { promotionPolicies: [{ stageSelector: { name: 'beta' }, autoPromotionEnabled: true }] },
    },
  ];
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import {
  type CommitStatusEvidence,
  type DeployTarget,
  ImageWarehouse,
  KargoNamespaces,
  KargoProject,
  PromotionStages,
  sharedResourcesNamespace,
} from '../../../constructs/kargo/index.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import { objectsOf, only, part } from '../../support/chart.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { stop, until } from '../../support/processes.ts';
import { labProgram } from '../lab.ts';
import { type Gitea, startGitea } from './gitea.ts';

export const project = 'shop-ci';
export const image = 'registry.example.org/shop/api';
const kargoApi = '/apis/kargo.akuity.io/v1alpha1';

export interface PromotionStatus {
  readonly phase?: string;
  readonly message?: string;
  readonly healthChecks?: readonly unknown[];
  readonly stepExecutionMetadata?: readonly { alias: string; status: string; message?: string }[];
}

/** The real Kargo controller and the real Gitea, with a stand-in for Argo CD that takes every operation for done. */
export interface World {
  readonly plane: Plane;
  readonly gitea: Gitea;
  /** Makes Freight of a tag, as if the stages had verified it. */
  freight(tag: string, ...verifiedIn: readonly string[]): Promise<string>;
  /** Promotes; gives the promotion's name. */
  promote(stage: string, freight: string): Promise<string>;
  status(promotion: string): Promise<PromotionStatus>;
  /** Waits until a promotion is over. */
  ended(promotion: string): Promise<PromotionStatus>;
  /** The promotion that Freight has noted last for a stage. */
  started(freight: string, stage: string): Promise<string | undefined>;
  /** The values file on the branch of a stage, and its commit. */
  promoted(stage: string): Promise<{ readonly text: string; readonly commit: string }>;
  /** How often a controller of Kargo has failed at its work and tried again. */
  attempts(controller: string): Promise<number>;
  /** Kills the controller, as the loss of its node does: at once, and its files with it. */
  loseController(): Promise<void>;
  /** Starts it again. */
  newController(): void;
  stop(): Promise<void>;
}

const stages: readonly Stage[] = [
  { name: 'ci', kind: 'ci', enabled: true, promotion: 'manual' },
  { name: 'beta', kind: 'deploy', enabled: true, promotion: 'manual', namespace: 'shop-beta' },
];

export async function startWorld(): Promise<World> {
  const [plane, gitea] = await Promise.all([
    startPlane({ crds: ['kargo', 'argo-cd'], controllers: false }),
    startGitea(),
  ]);
  const pipelines = `${gitea.url}/apps/pipelines.git`;
  const rendered = renderStages(gitea.url, pipelines);
  await plane.apply(objectsOf((chart) => new KargoNamespaces(chart, 'namespaces', { project })));
  await plane.apply([namespace('argocd'), ...rendered, ...secrets(gitea, pipelines), application(pipelines)]);
  await seedBranch(gitea, 'beta');
  let controller = startController(plane);
  const argoCd = actAsArgoCd(plane);

  const status: World['status'] = async (promotion) => {
    const { body } = await plane.request('GET', `${kargoApi}/namespaces/${project}/promotions/${promotion}`);
    return body.status ?? {};
  };
  let serial = 0;
  return {
    plane,
    gitea,
    status,
    async freight(tag, ...verifiedIn) {
      const name = Buffer.from(tag).toString('hex').padEnd(40, '0').slice(0, 40);
      const now = new Date().toISOString().replace(/\.\d+/, '');
      await created(plane, 'freights', {
        apiVersion: 'kargo.akuity.io/v1alpha1',
        kind: 'Freight',
        metadata: { name, namespace: project, labels: { 'kargo.akuity.io/alias': `f-${name.slice(0, 8)}` } },
        alias: `f-${name.slice(0, 8)}`,
        origin: { kind: 'Warehouse', name: 'shop-images' },
        images: [{ repoURL: image, tag }],
      });
      const verified = Object.fromEntries(verifiedIn.map((stage) => [stage, { verifiedAt: now }]));
      await patched(plane, `freights/${name}/status`, { status: { verifiedIn: verified } });
      return name;
    },
    async promote(stage, freight) {
      serial += 1;
      const name = `${stage}.01m${String(serial).padStart(23, '0')}.${freight.slice(0, 7)}`;
      const definition = only(rendered, 'Stage', stage);
      const live = await plane.request('GET', `${kargoApi}/namespaces/${project}/stages/${stage}`);
      await created(plane, 'promotions', {
        apiVersion: 'kargo.akuity.io/v1alpha1',
        kind: 'Promotion',
        metadata: {
          name,
          namespace: project,
          annotations: { 'kargo.akuity.io/create-actor': 'email:ada@example.org' },
          labels: { 'kargo.akuity.io/stage': stage },
          ownerReferences: [
            {
              apiVersion: 'kargo.akuity.io/v1alpha1',
              kind: 'Stage',
              name: stage,
              uid: live.body.metadata.uid,
              // By this the Stage notices that the promotion has ended.
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        spec: {
          stage,
          freight,
          vars: part(definition, 'spec', 'vars'),
          // Kargo's admission web hook names the steps that have no name; ours all have one.
          steps: part(definition, 'spec', 'promotionTemplate', 'spec', 'steps'),
        },
      });
      // Kargo's API server does this too: a Stage does not look at its promotions by itself when one is made.
      await patched(plane, `stages/${stage}`, { metadata: { annotations: { 'kargo.akuity.io/refresh': name } } });
      return name;
    },
    ended: (promotion) =>
      until(
        `promotion ${promotion} to end`,
        async () => {
          const now = await status(promotion);
          return ['Succeeded', 'Failed', 'Errored', 'Aborted'].includes(now.phase ?? '') ? now : undefined;
        },
        60_000,
      ),
    async started(freight, stage) {
      const { body } = await plane.request('GET', `${kargoApi}/namespaces/${project}/freights/${freight}`);
      return body.status?.metadata?.[`promotion_to_${stage}`]?.name;
    },
    async promoted(stage) {
      const branch = encodeURIComponent(`stage/${stage}`);
      const repository = '/repos/apps/pipelines';
      const file = await gitea.api<{ content: string }>(
        'apps',
        'GET',
        `${repository}/contents/values.yaml?ref=${branch}`,
      );
      const head = await gitea.api<{ commit: { id: string } }>('apps', 'GET', `${repository}/branches/${branch}`);
      return { text: Buffer.from(file.content, 'base64').toString(), commit: head.commit.id };
    },
    async attempts(name) {
      const log = await readFile(path.join(plane.folder, 'log/kargo-controller.log'), 'utf8');
      return log.split('\n').filter((line) => line.includes('Reconciler error') && line.includes(`"${name}"`)).length;
    },
    async loseController() {
      await stop(controller, 'SIGKILL');
      rmSync(workFolder(plane), { recursive: true });
    },
    newController() {
      controller = startController(plane);
    },
    async stop() {
      argoCd.stop();
      await stop(controller);
      await Promise.all([plane.stop(), gitea.stop()]);
    },
  };
}

function renderStages(forge: string, pipelines: string): readonly KubernetesObject[] {
  const evidence: CommitStatusEvidence = {
    forge: { kind: 'gitea', url: forge },
    owner: 'apps',
    repository: 'shop',
    context: 'integration-test',
    creator: 'ci',
    timeout: '10m',
    tokenSecret: 'commit-status',
  };
  const target: DeployTarget = { repository: pipelines, branch: 'stage/beta', application: 'shop-beta' };
  return objectsOf(
    (chart) => {
      new KargoProject(chart, 'project', { name: project, description: 'The shop' });
      // Asked so rarely that the test never meets it: the registry is not there.
      new ImageWarehouse(chart, 'warehouse', {
        name: 'shop-images',
        image,
        tagPattern: '^[0-9a-f]+$',
        interval: '24h',
      });
      new PromotionStages(chart, 'stages', {
        stages,
        warehouse: 'shop-images',
        image,
        evidence: { ci: evidence },
        targets: { beta: target },
      });
    },
    { namespace: project },
  );
}

function namespace(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function secrets(gitea: Gitea, pipelines: string): readonly KubernetesObject[] {
  const secret = (space: string, name: string, type: string, stringData: Record<string, string>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: space, labels: { 'kargo.akuity.io/cred-type': type } },
    stringData,
  });
  return [
    secret(project, 'commit-status', 'generic', { token: gitea.token('apps') }),
    secret(sharedResourcesNamespace, 'pipelines-git', 'git', {
      repoURL: pipelines,
      username: 'apps',
      password: gitea.token('apps'),
    }),
  ];
}

function application(pipelines: string): KubernetesObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: 'shop-beta',
      namespace: 'argocd',
      annotations: { 'kargo.akuity.io/authorized-stage': `${project}:beta` },
    },
    spec: {
      project: 'shop',
      destination: { server: 'https://kubernetes.default.svc', namespace: 'shop-beta' },
      sources: [
        { repoURL: 'http://127.0.0.1/apps/shop.git', targetRevision: 'main', path: 'chart' },
        { repoURL: pipelines, targetRevision: 'stage/beta', ref: 'promoted' },
      ],
    },
  };
}

async function seedBranch(gitea: Gitea, stage: string): Promise<void> {
  await gitea.api('apps', 'POST', '/repos/apps/pipelines/contents/values.yaml', {
    content: Buffer.from('image:\n  tag: ""\n').toString('base64'),
    message: 'Nothing runs yet',
    branch: 'main',
    new_branch: `stage/${stage}`,
  });
}

/** Where the controller keeps the files of its promotions. */
function workFolder(plane: Plane): string {
  return path.join(plane.folder, 'kargo');
}

function startController(plane: Plane): ChildProcess {
  mkdirSync(workFolder(plane), { recursive: true });
  const log = openSync(path.join(plane.folder, 'log/kargo-controller.log'), 'a');
  return spawn(labProgram('kargo'), ['controller'], {
    env: {
      ...process.env,
      TMPDIR: workFolder(plane),
      KUBECONFIG: plane.kubeconfig,
      ARGOCD_KUBECONFIG: plane.kubeconfig,
      KARGO_NAMESPACE: 'kargo',
      LOG_LEVEL: 'DEBUG',
      IS_DEFAULT_CONTROLLER: 'true',
      SHARED_RESOURCES_NAMESPACE: sharedResourcesNamespace,
      SYSTEM_RESOURCES_NAMESPACE: 'kargo-system-resources',
      ALLOW_CREDENTIALS_OVER_HTTP: 'true',
      GITCLIENT_NAME: 'kargo',
      GITCLIENT_EMAIL: 'kargo@example.org',
      ARGOCD_INTEGRATION_ENABLED: 'true',
      ARGOCD_NAMESPACE: 'argocd',
      ARGOCD_WATCH_ARGOCD_NAMESPACE_ONLY: 'true',
      ROLLOUTS_INTEGRATION_ENABLED: 'false',
    },
    stdio: ['ignore', log, log],
  });
}

/** Takes every operation on the Application for done at once, at the revisions that it asks for. */
function actAsArgoCd(plane: Plane): { stop(): void } {
  const target = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop-beta';
  const timer = setInterval(async () => {
    const { body } = await plane.request('GET', target).catch(() => ({ body: undefined }));
    const operation = body?.operation;
    if (!operation) return;
    const revisions = operation.sync?.revisions ?? [];
    const time = new Date().toISOString().replace(/\.\d+/, '');
    const change = {
      operation: null,
      status: {
        health: { status: 'Healthy' },
        sync: {
          status: 'Synced',
          revisions,
          comparedTo: { source: { repoURL: '' }, destination: {}, sources: body.spec.sources },
        },
        operationState: {
          operation,
          phase: 'Succeeded',
          startedAt: time,
          finishedAt: time,
          syncResult: { revision: '', revisions, source: { repoURL: '' }, sources: body.spec.sources },
        },
      },
    };
    await plane
      .request('PATCH', target, change, { contentType: 'application/merge-patch+json' })
      .catch(() => undefined);
  }, 500);
  return { stop: () => clearInterval(timer) };
}

async function created(plane: Plane, resource: string, body: unknown): Promise<void> {
  const answer = await plane.request('POST', `${kargoApi}/namespaces/${project}/${resource}`, body);
  if (answer.status >= 300) throw new Error(`${resource}: ${JSON.stringify(answer.body)}`);
}

async function patched(plane: Plane, target: string, body: unknown): Promise<void> {
  const answer = await plane.request('PATCH', `${kargoApi}/namespaces/${project}/${target}`, body, {
    contentType: 'application/merge-patch+json',
  });
  if (answer.status >= 300) throw new Error(`${target}: ${JSON.stringify(answer.body)}`);
}

/** Sets what Freight keeps about its promotion to a stage. */
export function noteStart(
  world: World,
  freight: string,
  stage: string,
  name: string,
  startedAt: number,
): Promise<void> {
  const metadata = { [`promotion_to_${stage}`]: { name, startedAt } };
  return patched(world.plane, `freights/${freight}/status`, { status: { metadata } });
}

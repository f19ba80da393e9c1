import { z } from 'zod';
import { runnerUid } from '../../constructs/arc/index.ts';
import { dnsLabel, hostName, httpUrl } from '../../model/identifiers.ts';
import { imageSchema } from '../../model/image.ts';
import type { Problem } from '../../model/problems.ts';
import { stonksArc } from '../stonks/arc.ts';
import {
  chartVersion,
  deployStageSchema,
  evidenceStageSchema,
  ingressSchema,
  namespaceProblems,
  nfsShareSchema,
  peopleSchema,
  promotionSchema,
  runtimeImagesSchema,
  shareProblems,
  volumeSchema,
} from '../stonks/schema.ts';
import { stonksImages, stonksReleases } from '../stonks/versions.ts';

const githubName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no name on GitHub; write owner and repository apart`,
});

export const schema = z.strictObject({
  cluster: z.strictObject({
    /** Lowest Kubernetes version that has everything that is used (admission policies are stable since 1.30). */
    minimumKubernetes: z.string(),
  }),
  hosts: z.strictObject({
    /** Kargo's dashboard and the promotion desk (001 R1.4, R16.6). */
    kargo: hostName,
    /** Argo CD's dashboard (001 R1.3). */
    argoCd: hostName,
  }),
  ingress: ingressSchema,
  github: z.strictObject({
    url: httpUrl,
    api: httpUrl,
    /** Owner of both repositories. */
    owner: githubName,
    applicationRepository: githubName,
    /** Holds dist/ and the branches of the stages; must exist, and its stage branches must not start any workflow. */
    pipelinesRepository: githubName,
    /** Whose commit statuses count: the workflow's own token writes as this user. */
    statusCreator: z.string().regex(/^[A-Za-z0-9-]+(\[bot\])?$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is no log-in of GitHub`,
    }),
  }),
  registry: z.strictObject({
    host: hostName,
    /** Path that the services' names follow. */
    path: z.string().regex(/^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is no path in a registry; use lower case, like owner/name`,
    }),
    /** Whether reading needs a log-in: true for private packages. */
    credentials: z.boolean(),
  }),
  storage: z.strictObject({
    share: nfsShareSchema,
    volumes: z.strictObject({ argoCd: volumeSchema, kargo: volumeSchema, arc: volumeSchema }),
  }),
  namespaces: z.strictObject({ arc: dnsLabel, argoCd: dnsLabel, kargo: dnsLabel, setUp: dnsLabel }),
  promotion: promotionSchema,
  /** Each is switched by itself (001 R13.1). */
  stages: z.strictObject({
    ci: evidenceStageSchema,
    integrationTest: evidenceStageSchema,
    beta: deployStageSchema,
    paper: deployStageSchema,
    live: deployStageSchema,
  }),
  people: peopleSchema,
  runners: z.strictObject({
    /** Runners that wait for jobs. */
    minimum: z.int().min(0, 'set at least 0'),
    /** Runners at a time; as many jobs run side by side. */
    maximum: z.int().min(1, 'without runners no job ever starts; set at least 1').max(20, 'set at most 20'),
    controller: imageSchema,
    runner: imageSchema,
    docker: imageSchema,
    /** Versions of the tools that the integration test uses on the runner. */
    tools: z.strictObject({ kubectl: z.string(), helm: z.string() }),
  }),
  releases: z.strictObject({ argoCd: chartVersion, kargo: chartVersion, arc: chartVersion }),
  images: runtimeImagesSchema.pick({
    node: true,
    nodeWithGit: true,
    busybox: true,
    kubectl: true,
    argoCd: true,
    python: true,
    redis: true,
    kargo: true,
    dex: true,
  }),
});

export type Settings = z.output<typeof schema>;

const { node, nodeWithGit, busybox, kubectl, argoCd, python, redis, kargo, dex } = stonksImages;

/** Every fact of the system, once. */
export const settings: z.input<typeof schema> = {
  cluster: { minimumKubernetes: '1.30' },
  hosts: { kargo: 'stonks-kargo.celestium.life', argoCd: 'stonks-argocd.celestium.life' },
  ingress: { className: 'traefik', controllerNamespace: 'kube-system', clusterIssuer: 'ca-issuer' },
  github: {
    url: 'https://github.com',
    api: 'https://api.github.com',
    owner: 'celesrenata',
    applicationRepository: 'stonks-oracle',
    pipelinesRepository: 'pipelines',
    statusCreator: 'github-actions[bot]',
  },
  registry: { host: 'ghcr.io', path: 'celesrenata/stonks-oracle', credentials: true },
  storage: {
    share: { server: '192.168.42.8', path: '/volume1/Kubernetes/pipelines' },
    volumes: {
      argoCd: { volume: 'pipeline-argocd-pv', directory: 'argocd', size: '5Gi', uid: 1000 },
      kargo: { volume: 'pipeline-kargo-pv', directory: 'kargo', size: '20Gi', uid: 1000 },
      arc: { volume: stonksArc.volume, directory: stonksArc.directory, size: '20Gi', uid: runnerUid },
    },
  },
  namespaces: { arc: stonksArc.namespace, argoCd: 'argocd', kargo: 'kargo', setUp: 'pipelines-set-up' },
  promotion: {
    project: 'stonks-pipeline',
    warehouse: 'stonks-images',
    window: { timeZone: 'America/New_York', days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], from: '09:30', to: '16:00' },
    evidenceTimeout: '3h',
    paper: 'manual',
    liveChart: 'after-the-close',
  },
  stages: {
    ci: { enabled: true },
    integrationTest: { enabled: true },
    beta: { enabled: true, namespace: 'stonks-beta' },
    paper: { enabled: true, namespace: 'stonks-paper' },
    live: { enabled: true, namespace: 'stonks-oracle' },
  },
  people: { operators: ['operator@celestium.life'], approvers: ['approver@celestium.life'] },
  runners: {
    minimum: 0,
    maximum: 4,
    controller: { repository: 'ghcr.io/actions/gha-runner-scale-set-controller', tag: '0.14.2' },
    runner: { repository: 'ghcr.io/actions/actions-runner', tag: '2.330.0' },
    docker: { repository: 'docker.io/library/docker', tag: '28.5.1-dind' },
    tools: { kubectl: 'v1.34.1', helm: 'v3.19.0' },
  },
  releases: { ...stonksReleases, arc: '0.14.2' },
  images: { node, nodeWithGit, busybox, kubectl, argoCd, python, redis, kargo, dex },
};

/** Rules between values. */
export const checks: ReadonlyArray<(settings: Settings) => readonly Problem[]> = [
  ({ namespaces, stages, promotion }) =>
    namespaceProblems(
      new Map([
        ...Object.entries(namespaces).map(([name, namespace]) => [`namespaces.${name}`, namespace] as const),
        ['stages.beta.namespace', stages.beta.namespace],
        ['stages.paper.namespace', stages.paper.namespace],
        ['stages.live.namespace', stages.live.namespace],
        ['promotion.project', promotion.project],
      ]),
    ),
  ({ storage }) => shareProblems(storage.volumes),
  ({ hosts }) =>
    hosts.kargo === hosts.argoCd
      ? [
          {
            path: 'hosts',
            problem: 'two dashboards have the same host',
            remedy: 'give each dashboard a host of its own',
          },
        ]
      : [],
  ({ runners }) =>
    runners.minimum > runners.maximum
      ? [
          {
            path: 'runners.minimum',
            problem: `${runners.minimum} runners wait for jobs, but there may be ${runners.maximum} only`,
            remedy: 'lower the minimum or raise the maximum',
          },
        ]
      : [],
  ({ runners, releases }) =>
    runners.controller.tag === releases.arc
      ? []
      : [
          {
            path: 'runners.controller.tag',
            problem: `the controller is ${runners.controller.tag}, its chart ${releases.arc}`,
            remedy: 'give both the same version',
          },
        ],
];

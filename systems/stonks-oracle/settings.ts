import { z } from 'zod';
import { dnsLabel, hostName, httpsRepository, httpUrl, ipv4, portNumber } from '../../model/identifiers.ts';
import { imageSchema } from '../../model/image.ts';
import type { Problem } from '../../model/problems.ts';
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

const repositoryName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no repository name; write the name without owner`,
});
const userName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is no user name of the forge; use letters, digits, ".", "-" and "_"`,
});

export const schema = z.strictObject({
  cluster: z.strictObject({
    /** Lowest Kubernetes version that has everything that is used (admission policies are stable since 1.30). */
    minimumKubernetes: z.string(),
    /** Addresses of the nodes; the forge and the API server answer on them. */
    nodes: z.array(ipv4).min(1, 'a cluster has a node; list its addresses'),
  }),
  hosts: z.strictObject({
    /** Woodpecker's dashboard (R28.1). */
    ci: hostName,
    /** Kargo's dashboard and the promotion desk (R23.6). */
    kargo: hostName,
    /** Argo CD's dashboard (R11.3). */
    argoCd: hostName,
  }),
  ingress: ingressSchema,
  forge: z.strictObject({
    /** The one address of Gitea, the same for browsers, Git, Woodpecker, Kargo and Argo CD (R1.3). */
    url: httpUrl,
    sshPort: portNumber,
    /** Where Gitea runs: configured, never created or removed (R12.4). */
    namespace: dnsLabel,
    deployment: dnsLabel,
    /** Owner of the two repositories. */
    owner: userName,
    applicationRepository: repositoryName,
    pipelinesRepository: repositoryName,
    users: z.strictObject({
      admin: userName,
      /** Sets commit statuses and uploads results. */
      ci: userName,
      /** Pushes the branches of the stages. */
      kargo: userName,
      /** Reads both repositories. */
      argoCd: userName,
      /** Pushes the head of the audit chain. */
      audit: userName,
    }),
  }),
  /** The public mirror (R6); written to last, read by nothing. */
  mirror: z.strictObject({ url: httpsRepository }),
  registry: z.strictObject({
    /** Host name, as image references carry it (R8–R10). */
    host: hostName,
    path: dnsLabel,
    /** Whether pushes and pulls need a log-in (analysis C18). */
    credentials: z.boolean(),
    /** `private`: certificates come from the cluster's own CA, which the builders have to be given. */
    certificates: z.enum(['public', 'private']),
  }),
  storage: z.strictObject({
    share: nfsShareSchema,
    volumes: z.strictObject({ argoCd: volumeSchema, kargo: volumeSchema, woodpecker: volumeSchema }),
  }),
  namespaces: z.strictObject({
    woodpecker: dnsLabel,
    steps: dnsLabel,
    argoCd: dnsLabel,
    kargo: dnsLabel,
    setUp: dnsLabel,
  }),
  promotion: promotionSchema,
  stages: z.strictObject({
    ci: evidenceStageSchema,
    beta: deployStageSchema,
    paper: deployStageSchema,
    live: deployStageSchema,
  }),
  people: peopleSchema,
  woodpecker: z.strictObject({
    server: imageSchema,
    agent: imageSchema,
    agents: z
      .int()
      .min(1, 'without an agent no pipeline runs; set 1 or more')
      .max(8, 'more agents than the nodes can feed; set at most 8'),
    /** Clones the repository; gets the user's forge token. */
    clonePlugin: imageSchema,
    /** Builds images; the only step that runs privileged. */
    buildPlugin: imageSchema,
    /** Image builds at a time. */
    builds: z.int().min(1, 'set at least 1').max(4, 'one node runs a workflow; set at most 4'),
  }),
  releases: z.strictObject({ argoCd: chartVersion, kargo: chartVersion }),
  images: runtimeImagesSchema,
});

export type Settings = z.output<typeof schema>;

/** Every fact of the system, once. */
export const settings: z.input<typeof schema> = {
  cluster: { minimumKubernetes: '1.30', nodes: ['10.1.1.12', '10.1.1.13', '10.1.1.14', '10.1.1.15'] },
  hosts: {
    ci: 'stonks-ci.celestium.life',
    kargo: 'stonks-kargo.celestium.life',
    argoCd: 'stonks-argocd.celestium.life',
  },
  ingress: { className: 'traefik', controllerNamespace: 'kube-system', clusterIssuer: 'ca-issuer' },
  forge: {
    url: 'http://10.1.1.12:30300',
    sshPort: 30022,
    namespace: 'git-server',
    deployment: 'gitea',
    owner: 'stonks',
    applicationRepository: 'stonks-oracle',
    pipelinesRepository: 'pipelines',
    users: { admin: 'forge-admin', ci: 'ci', kargo: 'kargo', argoCd: 'argocd', audit: 'audit' },
  },
  mirror: { url: 'https://github.com/celesrenata/stonks-oracle.git' },
  registry: { host: 'registry.celestium.life', path: 'stonks-oracle', credentials: false, certificates: 'public' },
  storage: {
    share: { server: '192.168.42.8', path: '/volume1/Kubernetes/pipelines' },
    volumes: {
      argoCd: { volume: 'pipeline-argocd-pv', directory: 'argocd', size: '5Gi', uid: 1000 },
      kargo: { volume: 'pipeline-kargo-pv', directory: 'kargo', size: '20Gi', uid: 1000 },
      woodpecker: { volume: 'pipeline-woodpecker-pv', directory: 'woodpecker', size: '20Gi', uid: 999 },
    },
  },
  namespaces: {
    woodpecker: 'woodpecker',
    steps: 'woodpecker-steps',
    argoCd: 'argocd',
    kargo: 'kargo',
    setUp: 'pipelines-set-up',
  },
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
    beta: { enabled: true, namespace: 'stonks-beta' },
    paper: { enabled: true, namespace: 'stonks-paper' },
    live: { enabled: true, namespace: 'stonks-oracle' },
  },
  people: { operators: ['operator@celestium.life'], approvers: ['approver@celestium.life'] },
  woodpecker: {
    server: { repository: 'docker.io/woodpeckerci/woodpecker-server', tag: 'v3.17.0' },
    agent: { repository: 'docker.io/woodpeckerci/woodpecker-agent', tag: 'v3.17.0' },
    clonePlugin: { repository: 'docker.io/woodpeckerci/plugin-git', tag: '2.9.2' },
    buildPlugin: { repository: 'docker.io/woodpeckerci/plugin-docker-buildx', tag: '6.1.1' },
    agents: 2,
    builds: 3,
  },
  releases: stonksReleases,
  images: stonksImages,
};

/** Rules between values. */
export const checks: ReadonlyArray<(settings: Settings) => readonly Problem[]> = [
  ({ namespaces, stages, promotion, forge }) =>
    namespaceProblems(
      new Map([
        ['forge.namespace', forge.namespace],
        ...Object.entries(namespaces).map(([name, namespace]) => [`namespaces.${name}`, namespace] as const),
        ['stages.beta.namespace', stages.beta.namespace],
        ['stages.paper.namespace', stages.paper.namespace],
        ['stages.live.namespace', stages.live.namespace],
        ['promotion.project', promotion.project],
      ]),
    ),
  ({ storage }) => shareProblems(storage.volumes),
  ({ hosts }) =>
    new Set(Object.values(hosts)).size === Object.keys(hosts).length
      ? []
      : [
          {
            path: 'hosts',
            problem: 'two dashboards have the same host',
            remedy: 'give each dashboard a host of its own',
          },
        ],
];

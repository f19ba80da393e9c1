import { argoCdRelease } from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { writeInstallPlan } from '../../constructs/install-plan/index.ts';
import { kargoRelease, kargoWithoutWorkloads } from '../../constructs/kargo/index.ts';
import {
  type Check,
  type InstallPlan,
  type RunJob,
  type SecretRecipes,
  type StateProbes,
  type Step,
  secretSteps,
  type TeardownPlan,
  type TeardownStep,
} from '../../model/install-plan/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { enabledStages, type Stage } from '../../model/stage-chain.ts';
import { stonksServices } from './application.ts';
import type { PromotionNames } from './promotion.ts';
import type { StateJobFile, StateParts } from './state.ts';

/** A Job of a snapshot that runs only where something exists. */
export type SnapshotJob = StateJobFile & { readonly needs?: string };

/** State besides Argo CD's and Kargo's, such as the database of a CI server. */
export interface OtherState {
  /** The Jobs' program, account and rights. */
  readonly path: string;
  readonly restoreSecrets: RunJob;
  readonly before: readonly RunJob[];
  readonly final: readonly SnapshotJob[];
  readonly schedule: StateParts['schedule'];
}

/** What a plan of a Stonks Oracle system is made of: what both have, and what only one has at its place in the order. */
export interface InstallFacts {
  readonly cluster: { readonly minimumKubernetes: string };
  readonly ingress: { readonly className: string; readonly clusterIssuer: string };
  readonly share: { readonly server: string };
  readonly hosts: { readonly argoCd: string; readonly kargo: string };
  readonly namespaces: { readonly argoCd: string; readonly kargo: string; readonly setUp: string };
  /** Namespaces that only this system has; removed before the common ones. */
  readonly ownNamespaces: readonly string[];
  readonly releases: { readonly argoCd: string; readonly kargo: string };
  /** Kargo Project. */
  readonly project: string;
  readonly stages: readonly Stage[];
  readonly promotion: PromotionNames;
  /** Names of the PersistentVolumes. */
  readonly volumes: readonly string[];
  /** `namespace/name`, in the order of the volumes. */
  readonly claims: readonly string[];
  readonly directoriesJob: string;
  readonly state: { readonly kargo: StateParts; readonly argoCd: StateParts; readonly other?: OtherState };
  readonly secrets: {
    /** Every Secret of the system. */
    readonly all: readonly SecretRef[];
    readonly recipes: SecretRecipes;
    readonly probes: StateProbes;
    /** Name of the Secrets with the key of the snapshots. */
    readonly stateKey: string;
    /** Those that the forge's phase needs, `namespace/name`. */
    readonly forForge: readonly string[];
    /** Made by a phase after `secrets`. */
    readonly later: readonly string[];
  };
  /** The repository of pipelines; credentials are `namespace/name` of a Secret. */
  readonly pipelines: { readonly url: string; readonly pushedAs: string; readonly branchesSeededAs: string };
  /** Addresses that must answer, besides the cluster and the share. */
  readonly reachable: ReadonlyArray<{ readonly url: string; readonly what: string }>;
  /** Steps of this system alone. */
  readonly own: {
    readonly arc?: readonly Step[];
    readonly forge: readonly Step[];
    readonly runners?: readonly Step[];
    readonly ci?: readonly Step[];
    readonly teardownRunners?: readonly TeardownStep[];
  };
  /** Dashboards of this system alone, before the common ones. */
  readonly addresses: ReadonlyArray<{ readonly name: string; readonly url: string }>;
  readonly deskUrl: string;
  /** What is left for a person. */
  readonly notes: readonly string[];
  /** What the teardown keeps besides workloads: `the forge`. */
  readonly kept?: string;
}

/** The steps of runmefirst.sh and runmelast.sh, in the order that a rebuild needs (R11, R12). */
export function composeInstall(output: SystemOutput, facts: InstallFacts): void {
  output.yaml('helm/kargo-base.yaml', kargoWithoutWorkloads);
  writeInstallPlan(output, { install: installPhases(facts), teardown: teardownPhases(facts) });
}

/** A Job of the plan. */
export function job(file: SnapshotJob, what: string, more: Partial<RunJob> = {}): RunJob {
  return { verb: 'job', ...file, timeout: 1800, what, ...more };
}

/** Waits for a Deployment, unless another kind is named. */
export function rollout(namespace: string, name: string, kind = 'deployment'): Step {
  return { verb: 'await-rollout', kind, namespace, name, timeout: 600 };
}

/** Applies a file that the root Application keeps later on. */
export function platform(
  { namespaces, promotion }: Pick<InstallFacts, 'namespaces' | 'promotion'>,
  name: string,
): Step {
  return { verb: 'apply', path: `gitops/platform/${name}.yaml`, keptBy: keptBy({ namespaces, promotion }) };
}

function keptBy({ namespaces, promotion }: Pick<InstallFacts, 'namespaces' | 'promotion'>): string {
  return `${namespaces.argoCd}/${promotion.rootApplication}`;
}

function restore({ restore: file }: StateParts, what: string): readonly RunJob[] {
  return file === undefined ? [] : [job(file, what, { when: 'kargo-not-whole' })];
}

function phase<Name extends string, Entry>(name: Name, steps: readonly Entry[] = []) {
  return steps.length === 0 ? [] : [{ phase: name, steps }];
}

function installPhases(facts: InstallFacts): InstallPlan['phases'] {
  const { namespaces, state, secrets, releases, pipelines, own } = facts;
  const steps = secretSteps(secrets.all, secrets.recipes, secrets.probes);
  const forForge = steps.make.filter((step) => secrets.forForge.includes(`${step.namespace}/${step.name}`));
  // The key opens the last snapshot, and the snapshot comes before anything is generated anew.
  const stateKeys = steps.make.filter((step) => step.name === secrets.stateKey);
  const otherSecrets = steps.make.filter((step) => !forForge.includes(step) && !stateKeys.includes(step));
  const kargo = { ...kargoRelease(releases.kargo, namespaces.kargo), timeout: 600 };
  const kept = keptBy(facts);

  return [
    { phase: 'preflight', steps: [...preflight(facts), ...steps.checks] },
    ...phase('arc', own.arc),
    { phase: 'namespaces', steps: [{ verb: 'apply', path: 'install/namespaces' }] },
    {
      phase: 'volumes',
      steps: [
        { verb: 'clear-released-volumes', names: facts.volumes },
        { verb: 'apply', path: 'install/volumes' },
        { verb: 'await-claims', claims: facts.claims, timeout: 120 },
      ],
    },
    {
      phase: 'directories',
      steps: [
        { verb: 'apply', path: 'install/directories/network.yaml' },
        {
          verb: 'job',
          path: 'install/directories/directories.yaml',
          namespace: namespaces.setUp,
          name: facts.directoriesJob,
          timeout: 600,
          what: 'make and check the directories of the share',
        },
      ],
    },
    {
      phase: 'forge',
      steps: [
        ...['install/state/kargo.yaml', 'install/state/argocd.yaml', ...(state.other ? [state.other.path] : [])].map(
          (path) => ({ verb: 'apply', path }) as const,
        ),
        ...stateKeys,
        job(state.kargo.restoreSecrets, 'secrets from the last snapshot', { when: 'secrets-missing' }),
        job(state.argoCd.restoreSecrets, "Argo CD's secrets from the last snapshot", { when: 'secrets-missing' }),
        ...(state.other ? [state.other.restoreSecrets] : []),
        ...forForge,
        ...own.forge,
      ],
    },
    {
      phase: 'repositories',
      steps: [
        { verb: 'push', url: pipelines.url, branch: 'main', credentials: pipelines.pushedAs },
        ...facts.stages
          .filter((stage) => stage.kind === 'deploy')
          .map(
            (stage) =>
              ({
                verb: 'seed-branch',
                stage: stage.name,
                url: pipelines.url,
                credentials: pipelines.branchesSeededAs,
                namespace: stage.namespace ?? '',
                deployment: stonksServices.watched,
              }) as const,
          ),
      ],
    },
    {
      phase: 'secrets',
      steps: [
        ...otherSecrets,
        ...steps.expect.map((step) =>
          step.verb === 'expect-secrets'
            ? { ...step, names: step.names.filter((name) => !secrets.later.includes(name)) }
            : step,
        ),
      ],
    },
    ...phase('runners', own.runners),
    {
      phase: 'argo-cd',
      steps: [
        job(state.kargo.before, 'a snapshot before anything is upgraded', { when: 'before-upgrade' }),
        job(state.argoCd.before, "a snapshot of Argo CD's objects", { when: 'before-upgrade' }),
        ...(state.other?.before ?? []),
        platform(facts, 'argo-cd'),
        {
          verb: 'release',
          ...argoCdRelease(releases.argoCd, namespaces.argoCd),
          values: ['helm/argo-cd.yaml'],
          timeout: 600,
        },
      ],
    },
    {
      phase: 'kargo-base',
      steps: [
        platform(facts, 'kargo'),
        { verb: 'release', ...kargo, mode: 'base', values: ['helm/kargo.yaml', 'helm/kargo-base.yaml'] },
      ],
    },
    {
      phase: 'restore',
      steps: [
        ...restore(state.kargo, 'promotions, freight and stages from the last snapshot'),
        ...restore(state.argoCd, "Argo CD's objects from the last snapshot"),
      ],
    },
    { phase: 'gate', steps: [{ verb: 'apply', path: 'gitops/gate', keptBy: kept }] },
    {
      phase: 'kargo',
      steps: [
        { verb: 'release', ...kargo, values: ['helm/kargo.yaml'] },
        ...['kargo-api', 'kargo-controller', 'kargo-management-controller', 'kargo-webhooks-server'].map((name) =>
          rollout(namespaces.kargo, name),
        ),
        { verb: 'await-accepted', path: 'gitops/promotion/stages.yaml', timeout: 300 },
      ],
    },
    {
      phase: 'root',
      steps: [
        { verb: 'apply', path: 'install/root' },
        {
          verb: 'await-revision',
          namespace: namespaces.argoCd,
          application: facts.promotion.rootApplication,
          timeout: 900,
        },
        rollout(namespaces.kargo, 'promotion-desk'),
        rollout(namespaces.kargo, 'audit-recorder'),
      ],
    },
    ...phase('ci', own.ci),
    { phase: 'project-config', steps: [{ verb: 'apply', path: 'gitops/promotion/project-config.yaml', keptBy: kept }] },
    {
      phase: 'status',
      steps: [
        ...[
          ...facts.addresses,
          { name: 'Kargo', url: `https://${facts.hosts.kargo}` },
          { name: 'Promotion desk', url: facts.deskUrl },
          { name: 'Argo CD', url: `https://${facts.hosts.argoCd}` },
        ].map(({ name, url }) => ({ verb: 'address', name, url }) as const),
        { verb: 'stages', project: facts.project },
        ...[...facts.notes, ...switchedOff(facts.stages)].map((text) => ({ verb: 'note', text }) as const),
      ],
    },
  ];
}

function switchedOff(stages: readonly Stage[]): readonly string[] {
  const off = stages.filter((stage) => !stage.enabled).map((stage) => stage.name);
  return enabledStages(stages).length < stages.length ? [`switched off: ${off.join(', ')}`] : [];
}

function preflight(facts: InstallFacts): readonly Check[] {
  const { namespaces, cluster, ingress, share } = facts;
  return [
    { verb: 'require-tool', name: 'kubectl', minimum: cluster.minimumKubernetes },
    { verb: 'require-tool', name: 'helm', minimum: '3.17' },
    { verb: 'require-tool', name: 'git' },
    { verb: 'require-tool', name: 'curl' },
    { verb: 'require-kubernetes', minimum: cluster.minimumKubernetes },
    { verb: 'require-clock' },
    {
      verb: 'require-crds',
      names: ['clusterissuers.cert-manager.io', 'middlewares.traefik.io'],
      remedy: 'install cert-manager and Traefik first',
    },
    { verb: 'require-issuer', name: ingress.clusterIssuer },
    { verb: 'require-ingress-class', name: ingress.className },
    ...facts.promotion.zones.map((zone) => ({ verb: 'require-zone', zone }) as const),
    ...facts.reachable.map(({ url, what }) => ({ verb: 'require-url', url, what }) as const),
    { verb: 'require-port', host: share.server, port: 2049, what: 'the NFS server' },
    { verb: 'require-clean-tree' },
    {
      // Two systems share these names, hence neither is installed over the other.
      verb: 'claim',
      names: [
        ...[namespaces.argoCd, namespaces.kargo, facts.project].map((name) => `namespace/${name}`),
        ...facts.volumes.map((volume) => `persistentvolume/${volume}`),
      ],
    },
  ];
}

function teardownPhases(facts: InstallFacts): TeardownPlan['phases'] {
  const { namespaces, state, releases, volumes, project } = facts;
  const timeout = 300;
  const uninstall = (release: { readonly name: string; readonly namespace: string }) =>
    ({ verb: 'uninstall', name: release.name, namespace: release.namespace, timeout }) as const;
  const schedules = [state.kargo.schedule, state.argoCd.schedule, ...(state.other ? [state.other.schedule] : [])];
  return [
    { phase: 'preflight', steps: ['kubectl', 'helm'].map((name) => ({ verb: 'require-tool', name }) as const) },
    {
      phase: 'quiet',
      steps: [
        // Argo CD first: it would start the others again.
        {
          verb: 'stop',
          namespace: namespaces.argoCd,
          workloads: ['statefulset/argocd-application-controller'],
          timeout,
        },
        { verb: 'stop', namespace: namespaces.kargo, workloads: ['deployment/audit-recorder'], timeout },
        ...schedules.map(
          ({ namespace, name }) => ({ verb: 'stop', namespace, workloads: [`cronjob/${name}`], timeout }) as const,
        ),
      ],
    },
    {
      phase: 'snapshot',
      steps: [
        {
          verb: 'final-snapshot',
          project,
          restoreMark: state.kargo.restoreMark,
          restoreDone: state.kargo.restoreDone,
          jobs: [
            ...[state.kargo, state.argoCd].flatMap(({ final, verify }) => [final, verify]),
            ...(state.other?.final ?? []),
          ],
          timeout: 1800,
        },
      ],
    },
    {
      phase: 'secrets',
      steps: [
        {
          verb: 'save-secrets',
          names: [...new Set(facts.secrets.all.map((secret) => `${secret.namespace}/${secret.name}`))],
        },
      ],
    },
    { phase: 'applications', steps: [{ verb: 'orphan-applications', namespace: namespaces.argoCd }] },
    {
      phase: 'gate',
      steps: [{ verb: 'delete-labelled', kinds: ['validatingadmissionpolicybindings', 'validatingadmissionpolicies'] }],
    },
    { phase: 'purge', steps: [{ verb: 'purge-project', project, timeout }] },
    { phase: 'kargo', steps: [uninstall(kargoRelease(releases.kargo, namespaces.kargo))] },
    { phase: 'argo-cd', steps: [uninstall(argoCdRelease(releases.argoCd, namespaces.argoCd))] },
    ...phase('runners', facts.own.teardownRunners),
    {
      phase: 'objects',
      // Rights in namespaces that stay, the forge's and the project's, would outlive those they were given to.
      steps: [{ verb: 'delete-labelled', kinds: ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'] }],
    },
    {
      phase: 'namespaces',
      steps: [
        {
          verb: 'delete-namespaces',
          names: [...facts.ownNamespaces, namespaces.argoCd, namespaces.kargo, namespaces.setUp],
          timeout: 600,
        },
      ],
    },
    { phase: 'volumes', steps: [{ verb: 'clear-released-volumes', names: volumes }] },
    {
      phase: 'status',
      steps: [
        { verb: 'kept', text: `volumes ${volumes.join(', ')} and all data on the share` },
        {
          verb: 'kept',
          text: `the workloads in ${facts.stages.flatMap((stage) => stage.namespace ?? []).join(', ')}${facts.kept ? `, and ${facts.kept}` : ''}`,
        },
        { verb: 'kept', text: `the Kargo project ${project}, unless --purge was given` },
      ],
    },
  ];
}

import { argoCdRelease } from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { writeInstallPlan } from '../../constructs/install-plan/index.ts';
import { kargoRelease, kargoWithoutWorkloads } from '../../constructs/kargo/index.ts';
import {
  type Check,
  type InstallPlan,
  type RunJob,
  secretSteps,
  type TeardownPlan,
} from '../../model/install-plan/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { enabledStages, type Stage } from '../../model/stage-chain.ts';
import { stonksServices } from '../stonks/application.ts';
import type { PromotionNames } from '../stonks/promotion.ts';
import type { StateJobFile, StateParts } from '../stonks/state.ts';
import type { CiNames } from './ci.ts';
import type { ForgeJobs } from './forge.ts';
import type { Claims } from './foundation.ts';
import type { StonksSecrets } from './secrets.ts';
import type { Settings } from './settings.ts';

/** What the plan refers to. */
export interface InstallFacts {
  readonly settings: Settings;
  readonly stages: readonly Stage[];
  readonly claims: Claims;
  readonly directoriesJob: string;
  readonly ci: CiNames;
  readonly forge: ForgeJobs;
  readonly promotion: PromotionNames;
  readonly state: { readonly kargo: StateParts; readonly argoCd: StateParts; readonly woodpecker: StateParts };
  readonly secrets: StonksSecrets;
  /** Every Secret of the system. */
  readonly allSecrets: readonly SecretRef[];
  readonly deskUrl: string;
}

/** The steps of runmefirst.sh and runmelast.sh, in the order that a rebuild needs (R11, R12). */
export function composeInstall(output: SystemOutput, facts: InstallFacts): void {
  output.yaml('helm/kargo-base.yaml', kargoWithoutWorkloads);
  writeInstallPlan(output, { install: installPhases(facts), teardown: teardownPhases(facts) });
}

function job(file: StateJobFile & { readonly needs?: string }, what: string, more: Partial<RunJob> = {}): RunJob {
  return { verb: 'job', ...file, timeout: 1800, what, ...more };
}

function onlyPresent<Value>(entries: Readonly<Record<string, Value | undefined>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}

function restore({ restore: file }: StateParts, what: string): readonly RunJob[] {
  return file === undefined ? [] : [job(file, what, { when: 'kargo-not-whole' })];
}

function installPhases(facts: InstallFacts): InstallPlan['phases'] {
  const { settings, ci, forge, promotion, state, secrets, claims } = facts;
  const { namespaces, storage, hosts } = settings;
  const volumes = Object.values(storage.volumes).map(({ volume }) => volume);
  const probes = {
    [`${ci.databasePassword.namespace}/${ci.databasePassword.name}`]: state.woodpecker.probe,
    [`${namespaces.kargo}/${secrets.stateKeys.kargo.name}`]: state.kargo.probe,
  };
  const steps = secretSteps(facts.allSecrets, secretRecipes(facts), onlyPresent(probes));
  const forgeAdmin = steps.make.filter((step) => step.namespace === namespaces.setUp && step.name === 'forge-admin');
  // The key opens the last snapshot, and the snapshot comes before anything is generated anew.
  const stateKeys = steps.make.filter((step) => step.name === secrets.stateKeys.kargo.name);
  const otherSecrets = steps.make.filter((step) => !forgeAdmin.includes(step) && !stateKeys.includes(step));
  const dump = dumpNow(facts);
  const keptBy = `${namespaces.argoCd}/${promotion.rootApplication}`;
  const pipelines = `${settings.forge.url}/${settings.forge.owner}/${settings.forge.pipelinesRepository}.git`;
  const kargo = { ...kargoRelease(settings.releases.kargo, namespaces.kargo), timeout: 600 };
  const project = settings.promotion.project;
  const rollout = (namespace: string, name: string, kind = 'deployment') =>
    ({ verb: 'await-rollout', kind, namespace, name, timeout: 600 }) as const;
  const platform = (name: string) => ({ verb: 'apply', path: `gitops/platform/${name}.yaml`, keptBy }) as const;

  return [
    { phase: 'preflight', steps: [...preflight(facts), ...steps.checks] },
    {
      phase: 'arc',
      steps: [
        {
          verb: 'remove-arc',
          namespace: 'arc-system',
          controller: 'arc',
          scaleSets: ['self-hosted-gremlin'],
          bindings: ['arc-runner-inttest'],
          volume: 'pipeline-arc-pv',
          timeout: 120,
        },
      ],
    },
    { phase: 'namespaces', steps: [{ verb: 'apply', path: 'install/namespaces' }] },
    {
      phase: 'volumes',
      steps: [
        { verb: 'clear-released-volumes', names: volumes },
        { verb: 'apply', path: 'install/volumes' },
        {
          verb: 'await-claims',
          claims: [
            `${namespaces.argoCd}/${claims.argoCd}`,
            `${namespaces.kargo}/${claims.kargo}`,
            `${namespaces.woodpecker}/${claims.woodpecker}`,
          ],
          timeout: 120,
        },
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
        { verb: 'apply', path: 'install/state/kargo.yaml' },
        { verb: 'apply', path: 'install/state/argocd.yaml' },
        { verb: 'apply', path: 'install/state/woodpecker.yaml' },
        ...stateKeys,
        job(state.kargo.restoreSecrets, 'secrets from the last snapshot', { when: 'secrets-missing' }),
        job(state.argoCd.restoreSecrets, "Argo CD's secrets from the last snapshot", { when: 'secrets-missing' }),
        job(state.woodpecker.restoreSecrets, "Woodpecker's secrets from the last snapshot", {
          when: 'secrets-missing',
        }),
        ...forgeAdmin,
        { verb: 'apply', path: 'install/forge/forge-setup.yaml' },
        job(forge.forge, 'users, repositories, protection, OAuth2'),
      ],
    },
    {
      phase: 'repositories',
      steps: [
        { verb: 'push', url: pipelines, branch: 'main', credentials: `${namespaces.setUp}/forge-admin` },
        ...facts.stages
          .filter((stage) => stage.kind === 'deploy')
          .map(
            (stage) =>
              ({
                verb: 'seed-branch',
                stage: stage.name,
                url: pipelines,
                credentials: `${secrets.kargoGit.namespace}/${secrets.kargoGit.name}`,
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
            ? { ...step, names: step.names.filter((name) => name !== `${namespaces.setUp}/woodpecker-token`) }
            : step,
        ),
      ],
    },
    {
      phase: 'argo-cd',
      steps: [
        job(state.kargo.before, 'a snapshot before anything is upgraded', { when: 'before-upgrade' }),
        job(state.argoCd.before, "a snapshot of Argo CD's objects", { when: 'before-upgrade' }),
        job(dump, 'a dump of the CI database', { when: 'before-upgrade' }),
        job({ ...state.woodpecker.before, needs: dump.needs }, "a snapshot of Woodpecker's dump", {
          when: 'before-upgrade',
        }),
        platform('argo-cd'),
        {
          verb: 'release',
          ...argoCdRelease(settings.releases.argoCd, namespaces.argoCd),
          values: ['helm/argo-cd.yaml'],
          timeout: 600,
        },
      ],
    },
    {
      phase: 'kargo-base',
      steps: [
        platform('kargo'),
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
    { phase: 'gate', steps: [{ verb: 'apply', path: 'gitops/gate', keptBy }] },
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
        { verb: 'await-revision', namespace: namespaces.argoCd, application: promotion.rootApplication, timeout: 900 },
        rollout(namespaces.kargo, 'promotion-desk'),
        rollout(namespaces.kargo, 'audit-recorder'),
      ],
    },
    {
      phase: 'ci',
      steps: [
        rollout(namespaces.woodpecker, 'woodpecker-postgres', 'statefulset'),
        rollout(namespaces.woodpecker, 'woodpecker-server'),
        rollout(namespaces.woodpecker, 'woodpecker-agent'),
        job(forge.woodpecker, 'repository, webhook and secrets of Woodpecker'),
      ],
    },
    { phase: 'project-config', steps: [{ verb: 'apply', path: 'gitops/promotion/project-config.yaml', keptBy }] },
    {
      phase: 'status',
      steps: [
        { verb: 'address', name: 'Gitea', url: settings.forge.url },
        { verb: 'address', name: 'Woodpecker', url: `https://${hosts.ci}` },
        { verb: 'address', name: 'Kargo', url: `https://${hosts.kargo}` },
        { verb: 'address', name: 'Promotion desk', url: facts.deskUrl },
        { verb: 'address', name: 'Argo CD', url: `https://${hosts.argoCd}` },
        { verb: 'stages', project },
        ...notes(facts),
      ],
    },
  ];
}

function notes({ settings, stages }: InstallFacts) {
  const text = [
    `give every operator and approver an account in Gitea with the address that settings.ts names: ${[...settings.people.operators, ...settings.people.approvers].join(', ')}`,
    `put the rendered files into the application's repository: npm run app -- migrate --repo PATH --write`,
    ...(enabledStages(stages).length < stages.length
      ? [
          `switched off: ${stages
            .filter((stage) => !stage.enabled)
            .map((stage) => stage.name)
            .join(', ')}`,
        ]
      : []),
  ];
  return text.map((line) => ({ verb: 'note', text: line }) as const);
}

/** A dump of Woodpecker's database now: the nightly one may be of yesterday, or of tomorrow. */
function dumpNow({ ci }: InstallFacts) {
  const path = `cronjob/${ci.databasePassword.name}-backup`;
  return { path, namespace: ci.databasePassword.namespace, name: `${ci.databasePassword.name}-dump`, needs: path };
}

/** How generated Secrets come about where they are not simply random. */
function secretRecipes({
  settings,
  secrets,
}: InstallFacts): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const { namespaces, forge } = settings;
  const key = `copy:${namespaces.kargo}/${secrets.stateKeys.kargo.name}/key`;
  const of = (secret: SecretRef) => `${secret.namespace}/${secret.name}`;
  return {
    [`${namespaces.setUp}/forge-admin`]: { username: `literal:${forge.users.admin}` },
    [`${namespaces.kargo}/kargo-admin-account`]: { ADMIN_ACCOUNT_PASSWORD_HASH: 'bcrypt:password' },
    [`${namespaces.argoCd}/argocd-secret`]: { 'admin.password': 'bcrypt:password' },
    [of(secrets.stateKeys.argoCd)]: { key },
    [of(secrets.stateKeys.woodpecker)]: { key },
    [of(secrets.stateKeys.setUp)]: { key },
  };
}

function preflight({ settings, stages }: InstallFacts): readonly Check[] {
  const { namespaces, storage, registry, forge, ingress, cluster, promotion } = settings;
  const zones = new Set(stages.flatMap((stage) => stage.gate?.window?.timeZone ?? []));
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
    ...[...zones].map((zone) => ({ verb: 'require-zone', zone }) as const),
    { verb: 'require-url', url: `https://${registry.host}/v2/`, what: 'the registry' },
    { verb: 'require-url', url: forge.url, what: 'the forge' },
    { verb: 'require-port', host: storage.share.server, port: 2049, what: 'the NFS server' },
    { verb: 'require-clean-tree' },
    {
      verb: 'claim',
      names: [
        ...[namespaces.argoCd, namespaces.kargo, promotion.project].map((name) => `namespace/${name}`),
        ...Object.values(storage.volumes).map(({ volume }) => `persistentvolume/${volume}`),
      ],
    },
  ];
}

function teardownPhases(facts: InstallFacts): TeardownPlan['phases'] {
  const { settings, state } = facts;
  const dump = dumpNow(facts);
  const { namespaces, storage, promotion } = settings;
  const volumes = Object.values(storage.volumes).map(({ volume }) => volume);
  const timeout = 300;
  const uninstall = (release: { readonly name: string; readonly namespace: string }) =>
    ({ verb: 'uninstall', name: release.name, namespace: release.namespace, timeout }) as const;
  const cronJobs = [state.kargo, state.argoCd, state.woodpecker].map(
    ({ schedule }) =>
      ({ verb: 'stop', namespace: schedule.namespace, workloads: [`cronjob/${schedule.name}`], timeout }) as const,
  );
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
        ...cronJobs,
      ],
    },
    {
      phase: 'snapshot',
      steps: [
        {
          verb: 'final-snapshot',
          project: promotion.project,
          restoreMark: state.kargo.restoreMark,
          restoreDone: state.kargo.restoreDone,
          jobs: [
            ...[state.kargo, state.argoCd].flatMap(({ final, verify }) => [final, verify]),
            dump,
            ...[state.woodpecker.final, state.woodpecker.verify].map((file) => ({ ...file, needs: dump.needs })),
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
          names: [...new Set(facts.allSecrets.map((secret) => `${secret.namespace}/${secret.name}`))],
        },
      ],
    },
    { phase: 'applications', steps: [{ verb: 'orphan-applications', namespace: namespaces.argoCd }] },
    {
      phase: 'gate',
      steps: [{ verb: 'delete-labelled', kinds: ['validatingadmissionpolicybindings', 'validatingadmissionpolicies'] }],
    },
    { phase: 'purge', steps: [{ verb: 'purge-project', project: promotion.project, timeout }] },
    { phase: 'kargo', steps: [uninstall(kargoRelease(settings.releases.kargo, namespaces.kargo))] },
    { phase: 'argo-cd', steps: [uninstall(argoCdRelease(settings.releases.argoCd, namespaces.argoCd))] },
    { phase: 'objects', steps: [{ verb: 'delete-labelled', kinds: ['clusterrolebindings', 'clusterroles'] }] },
    {
      phase: 'namespaces',
      steps: [
        {
          verb: 'delete-namespaces',
          names: [namespaces.steps, namespaces.woodpecker, namespaces.argoCd, namespaces.kargo, namespaces.setUp],
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
          text: `the workloads in ${facts.stages.flatMap((stage) => stage.namespace ?? []).join(', ')}, and the forge`,
        },
        { verb: 'kept', text: `the Kargo project ${promotion.project}, unless --purge was given` },
      ],
    },
  ];
}

import { ApiObject, type Chart } from 'cdk8s';
import { type RenderedFile, SystemOutput } from '../../../constructs/core/index.ts';
import { writeInstallPlan } from '../../../constructs/install-plan/index.ts';
import {
  type Check,
  type InstallPlan,
  type Step,
  secretSteps,
  type TeardownPlan,
} from '../../../model/install-plan/index.ts';
import type { SecretRef } from '../../../model/secret-ref.ts';

/** What one small system of the tests is made of; several live side by side on one plane. */
export interface Fixture {
  /** Prefix of all its names. */
  readonly name: string;
  /** Where its repository `pipelines` lives. */
  readonly forgeUrl: string;
  /** An address that answers, for preflight. */
  readonly registryUrl: string;
  readonly registryPort: number;
  /** Leaves out what another step of the same kind shows too: each command of a run is killed once. @default false */
  readonly reduced?: boolean;
}

/** Namespaces of a fixture. */
export function namespacesOf(name: string) {
  return {
    setUp: `${name}-set-up`,
    argoCd: `${name}-argocd`,
    kargo: `${name}-kargo`,
    project: `${name}-project`,
    beta: `${name}-beta`,
    arc: `${name}-arc`,
  } as const;
}

/** Files of a system that is small, but uses every step that a plan can have. */
export function renderFixture(fixture: Fixture): readonly RenderedFile[] {
  const { name, reduced = false } = fixture;
  const ns = namespacesOf(name);
  const output = new SystemOutput(name);
  const volume = `${name}-kargo-pv`;

  const namespaces = output.chart('install/namespaces');
  for (const namespace of [ns.setUp, ns.argoCd, ns.kargo]) add(namespaces, 'v1', 'Namespace', namespace);
  add(namespaces, 'v1', 'Namespace', ns.project, {
    metadata: {
      labels: { 'kargo.akuity.io/project': 'true' },
      annotations: { 'kargo.akuity.io/keep-namespace': 'true' },
    },
  });

  const volumes = output.chart('install/volumes');
  const size = '1Gi';
  add(volumes, 'v1', 'PersistentVolume', volume, {
    spec: {
      accessModes: ['ReadWriteMany'],
      capacity: { storage: size },
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      claimRef: { namespace: ns.kargo, name: 'state' },
      nfs: { server: '127.0.0.1', path: `/pipelines/${name}` },
    },
  });
  add(volumes, 'v1', 'PersistentVolumeClaim', 'state', {
    metadata: { namespace: ns.kargo },
    spec: {
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: size } },
      storageClassName: '',
      volumeName: volume,
    },
  });

  const job = (path: string, namespace: string, jobName: string, script: string) => {
    const chart = output.chart(path, { namespace });
    add(chart, 'batch/v1', 'Job', jobName, {
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'run', image: 'stand-in:1', command: ['bash', '-euc', script] }],
          },
        },
      },
    });
    return { path: `${path}.yaml`, namespace, name: jobName };
  };
  const directories = job('install/directories', ns.setUp, 'directories', 'mkdir -p "$VOLUME"/{kargo,database}');
  const forge = job('install/forge', ns.setUp, 'forge-setup', forgeScript(ns.kargo));
  const restoreSecrets = reduced ? undefined : job('install/restore-secrets', ns.kargo, 'restore-secrets', 'true');
  const probe = job('install/database-probe', ns.setUp, 'database-probe', '! test -e "$VOLUME/database/data"');
  const fill = 'echo data > "$VOLUME/database/data"';
  const database = reduced ? undefined : job('install/database', ns.setUp, 'database', fill);
  const restore = job('install/restore', ns.kargo, 'restore', `${fill}\n${restoreScript(ns.kargo)}`);
  const before = reduced ? undefined : job('install/snapshot', ns.kargo, 'snapshot', snapshotScript(ns.project));
  const last = job('teardown/snapshot', ns.kargo, 'last-snapshot', snapshotScript(ns.project));
  const verify = reduced ? [] : [job('teardown/verify', ns.kargo, 'verify', 'test -s "$VOLUME/kargo/snapshot"')];

  const gate = output.chart('gitops/gate/policy');
  add(gate, 'admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', `${name}-gate`, {
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['kargo.akuity.io'], apiVersions: ['*'], operations: ['CREATE'], resources: ['promotions'] },
        ],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns.project } },
      },
      validations: [{ expression: "has(object.metadata.annotations) && 'note' in object.metadata.annotations" }],
    },
  });
  add(gate, 'admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', `${name}-gate`, {
    spec: { policyName: `${name}-gate`, validationActions: ['Deny'] },
  });

  const promotion = output.chart('gitops/promotion/project', { namespace: ns.project });
  add(promotion, 'kargo.akuity.io/v1alpha1', 'Project', ns.project, { metadata: { namespace: undefined } });
  add(promotion, 'kargo.akuity.io/v1alpha1', 'Stage', 'beta', { spec: {} });
  const config = output.chart('gitops/promotion/project-config', { namespace: ns.project });
  add(config, 'kargo.akuity.io/v1alpha1', 'ProjectConfig', ns.project, { spec: {} });

  const rootChart = output.chart('install/root', { namespace: ns.argoCd });
  for (const application of ['root', 'beta']) {
    add(rootChart, 'argoproj.io/v1alpha1', 'Application', application, {
      metadata: { finalizers: ['resources-finalizer.argocd.argoproj.io'] },
      spec: { project: 'pipeline', destination: { namespace: ns.argoCd }, source: { repoURL: fixture.forgeUrl } },
    });
  }
  add(rootChart, 'argoproj.io/v1alpha1', 'AppProject', 'pipeline', { spec: {} });

  output.yaml('helm/argo-cd.yaml', { url: 'https://argocd.invalid' });
  output.yaml('helm/kargo.yaml', { workloads: { install: true }, webhooks: { register: true } });
  output.yaml('helm/kargo-base.yaml', { workloads: { install: false }, webhooks: { register: false } });
  const charts = './test/support/install/charts';
  const argoCd = { name: 'argocd', namespace: ns.argoCd, chart: `${charts}/argo-cd`, version: '1.0.0', timeout: 300 };
  const kargo = { name: 'kargo', namespace: ns.kargo, chart: `${charts}/kargo`, version: '1.0.0', timeout: 300 };

  const secrets: readonly SecretRef[] = [
    ...(reduced ? [] : [secret(ns.setUp, 'forge-admin', ['password'], 'generated')]),
    secret(ns.kargo, 'kargo-admin', ['password', 'hash'], 'generated'),
    secret(ns.setUp, 'database', ['password'], 'generated'),
    secret(ns.kargo, 'pipelines-git', ['username', 'password'], 'forge-setup'),
  ];
  const steps = secretSteps(
    secrets,
    { [`${ns.kargo}/kargo-admin`]: { hash: 'bcrypt:password' } },
    { [`${ns.setUp}/database`]: probe },
  );
  const forgeAdmin = steps.make.filter((step) => step.name === 'forge-admin');
  const otherSecrets = steps.make.filter((step) => step.name !== 'forge-admin');
  const credentials = `${ns.kargo}/pipelines-git`;
  const keptBy = `${ns.argoCd}/root`;

  const install: InstallPlan['phases'] = [
    { phase: 'preflight', steps: [...preflight(fixture), ...steps.checks] },
    {
      phase: 'arc',
      steps: [
        {
          verb: 'remove-arc',
          namespace: ns.arc,
          controller: 'arc',
          scaleSets: ['runners'],
          bindings: [`${name}-arc-runner`],
          volume: `${name}-arc-pv`,
          timeout: 5,
        },
      ],
    },
    { phase: 'namespaces', steps: [{ verb: 'apply', path: 'install/namespaces.yaml' }] },
    {
      phase: 'volumes',
      steps: [
        { verb: 'clear-released-volumes', names: [volume] },
        { verb: 'apply', path: 'install/volumes.yaml' },
        { verb: 'await-claims', claims: [`${ns.kargo}/state`], timeout: 180 },
      ],
    },
    { phase: 'directories', steps: [run(directories)] },
    { phase: 'forge', steps: [...forgeAdmin, run(forge)] },
    {
      phase: 'repositories',
      steps: [
        { verb: 'push', url: fixture.forgeUrl, branch: 'main', credentials },
        {
          verb: 'seed-branch',
          stage: 'beta',
          url: fixture.forgeUrl,
          credentials,
          namespace: ns.beta,
          deployment: 'app',
        },
      ],
    },
    {
      phase: 'secrets',
      steps: [
        ...(restoreSecrets ? [{ ...run(restoreSecrets), when: 'secrets-missing' } as const] : []),
        ...otherSecrets,
        ...(database ? [run(database)] : []),
        ...steps.expect,
      ],
    },
    {
      phase: 'argo-cd',
      steps: [
        ...(before ? [{ ...run(before), when: 'before-upgrade' } as const] : []),
        { verb: 'release', ...argoCd, values: ['helm/argo-cd.yaml'] },
      ],
    },
    { phase: 'kargo-base', steps: [{ verb: 'release', ...kargo, mode: 'base', values: ['helm/kargo-base.yaml'] }] },
    { phase: 'restore', steps: [{ ...run(restore), when: 'kargo-not-whole' }] },
    { phase: 'gate', steps: [{ verb: 'apply', path: 'gitops/gate', keptBy }] },
    {
      phase: 'kargo',
      steps: [
        { verb: 'release', ...kargo, values: ['helm/kargo.yaml'] },
        { verb: 'await-rollout', kind: 'deployment', namespace: ns.kargo, name: 'kargo-controller', timeout: 180 },
        { verb: 'await-accepted', path: 'gitops/promotion/project.yaml', timeout: 180 },
      ],
    },
    {
      phase: 'root',
      steps: [
        { verb: 'apply', path: 'install/root.yaml' },
        { verb: 'await-revision', namespace: ns.argoCd, application: 'root', timeout: 180 },
        {
          verb: 'await',
          kind: 'stages.kargo.akuity.io',
          namespace: ns.project,
          name: 'beta',
          jsonpath: '{.metadata.uid}',
          timeout: 180,
        },
      ],
    },
    { phase: 'project-config', steps: [{ verb: 'apply', path: 'gitops/promotion/project-config.yaml', keptBy }] },
    {
      phase: 'status',
      steps: [
        { verb: 'address', name: 'Argo CD', url: 'https://argocd.invalid' },
        { verb: 'stages', project: ns.project },
        { verb: 'note', text: 'give every person an account' },
      ],
    },
  ];

  const teardown: TeardownPlan['phases'] = [
    { phase: 'preflight', steps: [{ verb: 'require-tool', name: 'kubectl' }] },
    {
      phase: 'quiet',
      steps: [
        { verb: 'stop', namespace: ns.argoCd, workloads: ['statefulset/argocd-application-controller'], timeout: 180 },
      ],
    },
    {
      phase: 'snapshot',
      steps: [
        {
          verb: 'final-snapshot',
          project: ns.project,
          restoreMark: `${ns.kargo}/restore`,
          restoreDone: 'done',
          jobs: [last, ...verify],
          timeout: 180,
        },
      ],
    },
    { phase: 'secrets', steps: [{ verb: 'save-secrets', names: steps.names }] },
    { phase: 'applications', steps: [{ verb: 'orphan-applications', namespace: ns.argoCd }] },
    {
      phase: 'gate',
      steps: [{ verb: 'delete-labelled', kinds: ['validatingadmissionpolicybindings', 'validatingadmissionpolicies'] }],
    },
    { phase: 'purge', steps: [{ verb: 'purge-project', project: ns.project, timeout: 180 }] },
    { phase: 'kargo', steps: [{ verb: 'uninstall', name: 'kargo', namespace: ns.kargo, timeout: 180 }] },
    { phase: 'argo-cd', steps: [{ verb: 'uninstall', name: 'argocd', namespace: ns.argoCd, timeout: 180 }] },
    { phase: 'objects', steps: [{ verb: 'delete-labelled', kinds: ['clusterroles', 'clusterrolebindings'] }] },
    {
      phase: 'namespaces',
      steps: [{ verb: 'delete-namespaces', names: [ns.setUp, ns.argoCd, ns.kargo], timeout: 300 }],
    },
    { phase: 'volumes', steps: [{ verb: 'clear-released-volumes', names: [volume] }] },
    { phase: 'status', steps: [{ verb: 'kept', text: `volume ${volume} and its data` }] },
  ];
  writeInstallPlan(output, { install, teardown });
  return output.files();
}

function preflight(fixture: Fixture): readonly Check[] {
  const ns = namespacesOf(fixture.name);
  const claim: Check = {
    verb: 'claim',
    names: [
      ...[ns.setUp, ns.argoCd, ns.kargo, ns.project].map((namespace) => `namespace/${namespace}`),
      `persistentvolume/${fixture.name}-kargo-pv`,
    ],
  };
  if (fixture.reduced) return [{ verb: 'require-clock' }, { verb: 'require-clean-tree' }, claim];
  return [
    { verb: 'require-tool', name: 'kubectl', minimum: '1.30' },
    { verb: 'require-tool', name: 'helm', minimum: '3.17' },
    { verb: 'require-tool', name: 'git' },
    { verb: 'require-tool', name: 'curl' },
    { verb: 'require-kubernetes', minimum: '1.30' },
    { verb: 'require-clock' },
    { verb: 'require-crds', names: ['clusterissuers.cert-manager.io'], remedy: 'install cert-manager' },
    { verb: 'require-issuer', name: 'ca-issuer' },
    { verb: 'require-ingress-class', name: 'traefik' },
    { verb: 'require-zone', zone: 'America/New_York' },
    { verb: 'require-url', url: fixture.registryUrl, what: 'the registry' },
    { verb: 'require-port', host: '127.0.0.1', port: fixture.registryPort, what: 'the share' },
    { verb: 'require-clean-tree' },
    claim,
    {
      verb: 'require-secret',
      namespace: ns.kargo,
      name: 'mirror',
      keys: ['token'],
      purpose: 'the public mirror',
      required: false,
    },
  ];
}

function run(job: {
  readonly path: string;
  readonly namespace: string;
  readonly name: string;
}): Step & { verb: 'job' } {
  return { verb: 'job', ...job, timeout: 180, what: job.name };
}

function secret(
  namespace: string,
  name: string,
  keys: readonly string[],
  provenance: SecretRef['provenance'],
): SecretRef {
  return { namespace, name, keys, provenance, purpose: name };
}

function add(
  chart: Chart,
  apiVersion: string,
  kind: string,
  name: string,
  rest: { readonly metadata?: object; readonly [field: string]: unknown } = {},
): void {
  const { metadata, ...body } = rest;
  new ApiObject(chart, `${kind}-${name}`, { apiVersion, kind, metadata: { name, ...metadata }, ...body });
}

/** Stands for the forge set-up: makes the repository and the Secret of its user. */
function forgeScript(namespace: string): string {
  return `test -d "$FORGE/pipelines.git" || git init -q --bare "$FORGE/pipelines.git"
kubectl get secret pipelines-git -n ${namespace} >/dev/null 2>&1 || kubectl create secret generic pipelines-git -n ${namespace} --from-literal=username=kargo --from-literal=password=stand-in-4b1f`;
}

/** Stands for the snapshot: all promotions, complete or not at all. */
function snapshotScript(project: string): string {
  return `kubectl get promotions.kargo.akuity.io -n ${project} -o json > "$VOLUME/kargo/new"
mv "$VOLUME/kargo/new" "$VOLUME/kargo/snapshot"`;
}

/** Stands for the restore: puts the promotions back, and notes it. */
function restoreScript(namespace: string): string {
  return `if test -s "$VOLUME/kargo/snapshot"; then
  node -e 'const l = JSON.parse(require("fs").readFileSync(0)); for (const i of l.items) { const m = i.metadata; i.metadata = { name: m.name, namespace: m.namespace, annotations: m.annotations } } console.log(JSON.stringify(l))' < "$VOLUME/kargo/snapshot" | kubectl apply --server-side -f - || test "$(grep -c '"name"' "$VOLUME/kargo/snapshot")" = 0
fi
kubectl create configmap restore -n ${namespace} --from-literal=phase=done --dry-run=client -o yaml | kubectl apply --server-side -f -`;
}

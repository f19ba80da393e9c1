import { DeliveryProject, RootApplication } from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { writeInstallPlan } from '../../constructs/install-plan/index.ts';
import { fieldsOfDelivery } from '../../constructs/kpack/index.ts';
import { secretSteps } from '../../model/install-plan/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { ciNamespace, environmentNamespace, environments } from './names.ts';
import type { Settings } from './settings.ts';

/** The custom resources that luban-bootstrapper has to have brought. */
export const assumedCrds = [
  'applications.argoproj.io',
  'appprojects.argoproj.io',
  'certificates.cert-manager.io',
  'issuers.cert-manager.io',
  'clusterbuilders.kpack.io',
  'clusterlifecycles.kpack.io',
  'clusterstacks.kpack.io',
  'clusterstores.kpack.io',
  'images.kpack.io',
  'eventbus.argoproj.io',
  'eventsources.argoproj.io',
  'sensors.argoproj.io',
  'httproutes.gateway.networking.k8s.io',
  'workflows.argoproj.io',
  'workflowtemplates.argoproj.io',
] as const;

/** The root Application, and what the scripts do before and after it. */
export function composeInstall(
  output: SystemOutput,
  settings: Settings,
  secrets: readonly SecretRef[],
  hooks: readonly string[],
): void {
  const { argoCd } = settings.platform.namespaces;
  const all = [
    settings.namespace,
    ...settings.tenants.flatMap((tenant) => [
      ciNamespace(tenant),
      ...environments.map((environment) => environmentNamespace(tenant, environment)),
    ]),
  ];
  const root = output.chart('install/root/application', { namespace: argoCd, component: 'argo-cd' });
  const name = settings.namespace;
  new DeliveryProject(root, 'Project', {
    name,
    description: 'The pipeline itself: control plane, tenants, Applications',
    repositories: [settings.pipelines.repository],
    namespaces: [argoCd, ...all],
    clusterResources: ['ClusterBuilder', 'ClusterLifecycle', 'ClusterStack', 'ClusterStore'].map((kind) => ({
      group: 'kpack.io',
      kind,
    })),
    refusedResources: [],
  });
  new RootApplication(root, 'Root', {
    name,
    project: name,
    repository: settings.pipelines.repository,
    revision: settings.pipelines.revision,
    path: `dist/${output.system}/gitops`,
    namespace: argoCd,
    // Every build writes them.
    leftAlone: [{ group: 'kpack.io', kind: 'Image', fields: fieldsOfDelivery }],
  });
  const steps = secretSteps(secrets);
  writeInstallPlan(output, {
    install: [
      {
        phase: 'preflight',
        steps: [
          { verb: 'require-tool', name: 'kubectl' },
          { verb: 'require-kubernetes', minimum: settings.platform.minimumKubernetes },
          {
            verb: 'require-crds',
            names: [...assumedCrds],
            remedy: 'install the platform with luban-bootstrapper first',
          },
          { verb: 'claim', names: all.map((namespace) => `namespace/${namespace}`) },
          ...steps.checks,
        ],
      },
      { phase: 'namespaces', steps: [{ verb: 'apply', path: 'install/namespaces' }] },
      // The copies are named only once their sources are there.
      { phase: 'secrets', steps: [...steps.make, { verb: 'apply', path: 'install/secrets' }] },
      {
        phase: 'root',
        steps: [
          { verb: 'apply', path: 'install/root' },
          {
            verb: 'await',
            kind: 'applications.argoproj.io',
            namespace: argoCd,
            name,
            jsonpath: '{.status.sync.status}',
            value: 'Synced',
            timeout: 900,
          },
        ],
      },
      {
        phase: 'status',
        steps: [
          ...settings.forges.map((forge, index) => ({
            verb: 'address' as const,
            name: `Webhook of ${forge.name}`,
            url: hooks[index] ?? '',
          })),
          { verb: 'note', text: 'Make the repositories of each application: see docs/luban-ci.md' },
        ],
      },
    ],
    teardown: [
      { phase: 'preflight', steps: [{ verb: 'require-tool', name: 'kubectl' }] },
      { phase: 'secrets', steps: [{ verb: 'save-secrets', names: steps.names }] },
      {
        phase: 'namespaces',
        steps: [
          {
            verb: 'delete-namespaces',
            // What runs for users is not the pipeline's to delete.
            names: [settings.namespace, ...settings.tenants.map(ciNamespace)],
            timeout: 600,
          },
        ],
      },
      {
        phase: 'status',
        steps: [
          { verb: 'kept', text: 'namespaces snd-* and prd-* with everything in them, Argo CD and its Applications' },
        ],
      },
    ],
  });
}

import type { Chart } from 'cdk8s';
import { DeliveryBus, ForgeWebhook, pushParameters, sendPushScript } from '../../constructs/argo-events/index.ts';
import { executorRule, ProgramWorkflow } from '../../constructs/argo-workflows/index.ts';
import { BuildStack, PythonBuildpack } from '../../constructs/buildpack/index.ts';
import type { RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { BuildPlatform } from '../../constructs/kpack/index.ts';
import { Namespace } from '../../constructs/namespaces/index.ts';
import { DefaultDeny } from '../../constructs/network/index.ts';
import { DeliveryProgram } from '../../constructs/tenant/index.ts';
import { KubeRole, KubeRoleBinding, KubeServiceAccount, type PolicyRule } from '../../imports/k8s.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { deliverySettings } from './names.ts';
import { secretName } from './secrets.ts';
import type { Settings } from './settings.ts';

const account = {
  eventSource: 'event-source',
  sensor: 'sensor',
  dispatcher: 'dispatcher',
  builder: 'builder',
} as const;

/** The ServiceAccount that starts workflows in tenants' namespaces. */
export const dispatcherAccount = account.dispatcher;

/** Namespace, events, dispatcher. */
export function composeControl(
  output: SystemOutput,
  settings: Settings,
  context: RenderContext,
): { readonly secrets: readonly SecretRef[]; readonly hooks: readonly string[] } {
  const { namespace } = settings;
  new Namespace(output.chart('install/namespaces/control', { component: 'namespace' }), 'Control', { name: namespace });
  const access = output.chart('gitops/control/access', { namespace, component: 'access' });
  new DefaultDeny(access, 'Closed');
  addAccounts(access);

  const dispatch = output.chart('gitops/control/dispatcher', { namespace, component: 'dispatcher' });
  const { program } = new DeliveryProgram(dispatch, 'Delivery', {
    text: context.program('delivery'),
    settings: JSON.stringify(deliverySettings(settings, settings.tenants), undefined, 1),
  });
  const description: Readonly<Record<(typeof pushParameters)[number], string>> = {
    forge: 'Name of the forge',
    url: 'Address of the repository',
    ref: 'refs/heads/BRANCH or refs/tags/TAG',
    revision: 'Commit, 40 hexadecimal digits',
  };
  const dispatcher = new ProgramWorkflow(dispatch, 'Dispatcher', {
    name: 'dispatcher',
    description: "Finds the application of a push and starts its workflow in its tenant's namespace",
    facts: pushParameters.map((name) => ({ name, description: description[name] })),
    steps: [{ name: 'dispatch', args: ['dispatch'], retry: true, deadline: 120 }],
    image: settings.images.nodeWithGit,
    serviceAccount: account.dispatcher,
    program,
    deadline: 600,
  });

  const events = output.chart('gitops/control/events', { namespace, component: 'events' });
  const bus = new DeliveryBus(events, 'Bus', { version: settings.platform.jetStream });
  const webhooks = settings.forges.map(
    ({ name, kind, port, path, user }) =>
      new ForgeWebhook(events, name, {
        forge: name,
        kind,
        port,
        path,
        host: settings.hosts.webhook,
        organisations: [...new Set(settings.tenants.filter(({ forge }) => forge === name).map(({ owner }) => owner))],
        gateway: settings.gateway,
        dispatcher: { name: dispatcher.name, parameters: pushParameters },
        accounts: { eventSource: account.eventSource, sensor: account.sensor },
        eventBus: bus.name,
        ownPushers: [user],
      }),
  );
  output.file('platform/send-push.sh', sendPushScript, { executable: true });
  output.except(
    webhooks.map(({ service }) => ({
      check: 'service-targets-pod',
      object: `Service/${namespace}/${service}`,
      reason: "the event source's controller makes the pods",
    })),
  );
  return { secrets: webhooks.map(({ secret }) => secret), hooks: webhooks.map(({ url }) => url) };
}

function addAccounts(chart: Chart): void {
  const rules: Readonly<Record<string, readonly PolicyRule[]>> = {
    [account.sensor]: [{ apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['create'] }],
    [account.dispatcher]: [executorRule],
  };
  for (const name of Object.values(account)) {
    new KubeServiceAccount(chart, `account-${name}`, {
      metadata: { name },
      ...(name === account.builder
        ? { secrets: [{ name: secretName.platform }], imagePullSecrets: [{ name: secretName.platform }] }
        : {}),
    });
    const granted = rules[name];
    if (!granted) continue;
    new KubeRole(chart, `role-${name}`, { metadata: { name }, rules: [...granted] });
    new KubeRoleBinding(chart, `binding-${name}`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name }],
    });
  }
}

/** Stack, buildpack and the cluster-wide objects of kpack; gives the builder's name. */
export function composeBuildPlatform(output: SystemOutput, settings: Settings): string {
  const { registry, stack } = settings;
  const stackId = 'io.buildpacks.stacks.luban';
  const buildpack = new PythonBuildpack({
    id: 'luban/python-uv',
    version: settings.buildpack.version,
    stackId,
    repository: `${registry.platform}/python-uv`,
  });
  const images = new BuildStack({
    stackId,
    base: stack.base,
    uv: stack.uv,
    lifecycle: { image: stack.lifecycle, version: stack.lifecycleVersion },
    repository: registry.platform,
    buildpack,
  });
  buildpack.write(output, 'platform/buildpacks/python-uv');
  images.write(output, 'platform/stack');
  return new BuildPlatform(output.chart('gitops/control/kpack', { component: 'kpack' }), 'Kpack', {
    name: 'luban',
    stackId,
    images: images.images,
    buildpacks: [buildpack.image],
    order: [{ group: [{ id: buildpack.id }] }],
    builderTag: `${registry.platform}/luban-kpack-builder:${settings.buildpack.version}`,
    account: { name: account.builder, namespace: settings.namespace },
  }).builder;
}

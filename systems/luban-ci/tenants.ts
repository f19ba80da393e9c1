import { DeliveryProject, everyKind, OverlayApplication, pipelineKinds } from '../../constructs/argo-cd/index.ts';
import type { RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { DagsterPlatform } from '../../constructs/dagster/index.ts';
import { writeGitOpsScaffold, writeSourceScaffold } from '../../constructs/gitops-scaffold/index.ts';
import { ApplicationImage } from '../../constructs/kpack/index.ts';
import { Namespace } from '../../constructs/namespaces/index.ts';
import { DefaultDeny } from '../../constructs/network/index.ts';
import { ProgramConfigMap } from '../../constructs/program/index.ts';
import { TenantDelivery, TenantLimits, TenantPeople, WorkflowRunner } from '../../constructs/tenant/index.ts';
import { gitOpsSuffix } from '../../model/delivery/index.ts';
import { sshUrl } from '../../model/forge-url/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { dispatcherAccount } from './control.ts';
import {
  applicationHost,
  ciNamespace,
  deliverySettings,
  type Environment,
  environmentNamespace,
  environments,
  forgeOf,
  gitOps,
  gitOpsUrl,
  imageOf,
  placeOf,
  projectName,
} from './names.ts';
import { secretName } from './secrets.ts';
import type { ApplicationSettings, Settings, TenantSettings } from './settings.ts';

/** Everything of one tenant; gives the Secrets that it needs besides the platform's. */
export function composeTenant(
  output: SystemOutput,
  settings: Settings,
  tenant: TenantSettings,
  context: RenderContext,
  builder: string,
): readonly SecretRef[] {
  const namespaces = output.chart(`install/namespaces/${tenant.name}`, { component: 'namespace' });
  const labels = { 'pipelines.celestium.life/tenant': tenant.name };
  for (const name of [ciNamespace(tenant), ...environments.map((e) => environmentNamespace(tenant, e))]) {
    new Namespace(namespaces, name, { name, labels });
  }
  composeCi(output, settings, tenant, context, builder);
  for (const environment of environments) composeEnvironment(output, settings, tenant, environment);
  for (const application of tenant.applications) composeScaffolds(output, settings, tenant, application);
  return tenant.dagster
    ? environments.flatMap((environment) => composeDagster(output, settings, tenant, environment, context))
    : [];
}

/** Where the tenant's builds and workflows run. */
function composeCi(
  output: SystemOutput,
  settings: Settings,
  tenant: TenantSettings,
  context: RenderContext,
  builder: string,
): void {
  const namespace = ciNamespace(tenant);
  const forge = forgeOf(settings, tenant);
  const folder = `gitops/tenants/${tenant.name}/ci`;
  const access = output.chart(`${folder}/access`, { namespace, component: 'access' });
  new DefaultDeny(access, 'Closed');
  new TenantLimits(access, 'Limits', tenant.quotas.ci);
  new TenantPeople(access, 'People', { groups: tenant.groups, purpose: 'builds' });
  const runner = new WorkflowRunner(access, 'Runner', {
    buildSecrets: [secretName.gitKey, secretName.push],
    pullSecret: secretName.push,
    dispatcher: { name: dispatcherAccount, namespace: settings.namespace },
    concurrentBuilds: tenant.concurrentBuilds,
  });
  new TenantDelivery(output.chart(`${folder}/workflows`, { namespace, component: 'workflows' }), 'Delivery', {
    program: {
      text: context.program('delivery'),
      settings: JSON.stringify(deliverySettings(settings, [tenant]), undefined, 1),
    },
    image: settings.images.nodeWithGit,
    serviceAccount: runner.account,
    forgeSecret: secretName.forge(forge.name),
    buildSeconds: settings.builds.appearsWithin + settings.builds.endsWithin + 300,
  });
  if (tenant.applications.length === 0) return;
  const images = output.chart(`${folder}/images`, { namespace, component: 'images' });
  for (const application of tenant.applications) {
    new ApplicationImage(images, application.name, {
      name: application.name,
      image: imageOf(settings, tenant, application),
      repository: sshUrl(forge, placeOf(tenant, application.name)),
      builder,
      serviceAccount: runner.account,
    });
  }
}

/** Where one environment of the tenant runs, and what Argo CD may write there. */
function composeEnvironment(
  output: SystemOutput,
  settings: Settings,
  tenant: TenantSettings,
  environment: Environment,
): void {
  const namespace = environmentNamespace(tenant, environment);
  const folder = `gitops/tenants/${tenant.name}/${environment}`;
  const access = output.chart(`${folder}/access`, { namespace, component: 'access' });
  new DefaultDeny(access, 'Closed');
  new TenantLimits(access, 'Limits', tenant.quotas[environment]);
  new TenantPeople(access, 'People', { groups: tenant.groups, purpose: 'applications' });
  const delivery = output.chart(`${folder}/argo-cd`, {
    namespace: settings.platform.namespaces.argoCd,
    component: 'argo-cd',
  });
  const name = projectName(tenant, environment);
  new DeliveryProject(delivery, 'Project', {
    name,
    description: `${tenant.name}: ${environment}`,
    repositories: tenant.applications.map((application) => gitOpsUrl(settings, tenant, application)),
    namespaces: [namespace],
    // A tenant deploys workloads; its limits, its access and its walls are not its own to change.
    refusedResources: [
      ...pipelineKinds,
      { group: 'kpack.io', kind: everyKind.kind },
      { group: 'rbac.authorization.k8s.io', kind: everyKind.kind },
      { group: '', kind: 'ResourceQuota' },
      { group: '', kind: 'LimitRange' },
    ],
  });
  for (const application of tenant.applications) {
    new OverlayApplication(delivery, application.name, {
      name: `${name}-${application.name}`,
      project: name,
      repository: gitOpsUrl(settings, tenant, application),
      revision: gitOps.branches[environment],
      path: gitOps.overlays[environment],
      namespace,
      sync: environment === 'sandbox' ? 'automatic' : 'manual',
    });
  }
}

/** The files that an application's two repositories start from. */
function composeScaffolds(
  output: SystemOutput,
  settings: Settings,
  tenant: TenantSettings,
  application: ApplicationSettings,
): void {
  const folder = `scaffolds/${tenant.name}/${application.name}`;
  const overlay = (environment: Environment) => ({
    namespace: environmentNamespace(tenant, environment),
    host: applicationHost(settings, application.name, environment),
    replicas: environment === 'production' && application.kind === 'web' ? application.replicas : 1,
  });
  writeGitOpsScaffold(output, `${folder}${gitOpsSuffix}`, {
    name: application.name,
    application: application.kind === 'web' ? application : { ...application, tunnelImage: settings.dagster.tunnel },
    image: imageOf(settings, tenant, application),
    gateway: settings.gateway,
    pullSecret: secretName.pull,
    base: gitOps.base,
    overlays: Object.fromEntries(environments.map((name) => [gitOps.overlays[name], overlay(name)])),
  });
  writeSourceScaffold(output, folder, {
    name: application.name,
    python: settings.buildpack.python,
    kind: application.kind === 'web' ? application : { ...application, version: settings.dagster.version },
  });
}

/** The tenant's Dagster in one environment; its code locations are the tenant's applications of that kind. */
function composeDagster(
  output: SystemOutput,
  settings: Settings,
  tenant: TenantSettings,
  environment: Environment,
  context: RenderContext,
): readonly SecretRef[] {
  const { dagster } = settings;
  const chart = output.chart(`gitops/tenants/${tenant.name}/${environment}/dagster`, {
    namespace: environmentNamespace(tenant, environment),
    component: 'dagster',
  });
  const exporter = new ProgramConfigMap(chart, 'Exporter', {
    name: 'dagster-metrics',
    program: 'dagster-metrics',
    text: context.program('dagster-metrics'),
  });
  return new DagsterPlatform(chart, 'Dagster', {
    image: dagster.image,
    postgres: { image: dagster.postgres, major: dagster.postgresMajor, size: dagster.postgresSize },
    poolImage: dagster.pool,
    tunnelImage: dagster.tunnel,
    exporter: {
      image: settings.images.node,
      command: exporter.command(),
      volume: exporter.volume(),
      mount: exporter.mount(),
    },
    locations: tenant.applications.filter(({ kind }) => kind === 'code-location').map(({ name }) => name),
    host: applicationHost(settings, `dagster-${tenant.name}`, environment),
    gateway: settings.gateway,
    login: {
      issuer: settings.hosts.login,
      groups: [...tenant.groups.admins, ...tenant.groups.developers],
      image: dagster.login,
    },
    pullSecret: secretName.pull,
    metricsFrom: settings.platform.namespaces.metrics,
  }).secrets;
}

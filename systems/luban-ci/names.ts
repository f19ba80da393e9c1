import { deliveryWorkflow } from '../../constructs/tenant/index.ts';
import { type DeliveredApplication, type DeliverySettings, gitOpsSuffix } from '../../model/delivery/index.ts';
import { httpsUrl, type RepositoryPlace } from '../../model/forge-url/index.ts';
import type { ApplicationSettings, Settings, TenantSettings } from './settings.ts';

export type Environment = 'sandbox' | 'production';

export const environments: readonly Environment[] = ['sandbox', 'production'];

const short: Readonly<Record<Environment, string>> = { sandbox: 'snd', production: 'prd' };

/** Branches and folders of a GitOps repository. */
export const gitOps = {
  branches: { sandbox: 'develop', production: 'main' },
  base: 'app/base',
  overlays: { sandbox: 'app/overlays/snd', production: 'app/overlays/prd' },
} as const;

export function ciNamespace({ name }: TenantSettings): string {
  return `ci-${name}`;
}

export function environmentNamespace({ name }: TenantSettings, environment: Environment): string {
  return `${short[environment]}-${name}`;
}

/** Name of an environment's AppProject, and the start of its Applications' names. */
export function projectName(tenant: TenantSettings, environment: Environment): string {
  return environmentNamespace(tenant, environment);
}

export function applicationHost(settings: Settings, name: string, environment: Environment): string {
  const { applications } = settings.hosts;
  return environment === 'production' ? `${name}.${applications}` : `${name}.${short[environment]}.${applications}`;
}

/** Image of an application, without tag. */
export function imageOf(settings: Settings, tenant: TenantSettings, application: ApplicationSettings): string {
  return `${settings.registry.applications}/${tenant.name}/${application.name}`;
}

export function forgeOf(settings: Settings, tenant: TenantSettings): Settings['forges'][number] {
  const forge = settings.forges.find(({ name }) => name === tenant.forge);
  if (!forge) throw new Error(`there is no forge ${tenant.forge}`);
  return forge;
}

/** An application's own repository, or the one with its overlays. */
export function placeOf(tenant: TenantSettings, repository: string): RepositoryPlace {
  const { forge, owner, project } = tenant;
  return { forge, owner, repository, ...(project === undefined ? {} : { project }) };
}

export function gitOpsUrl(settings: Settings, tenant: TenantSettings, application: ApplicationSettings): string {
  return httpsUrl(forgeOf(settings, tenant), placeOf(tenant, application.name + gitOpsSuffix));
}

/** What the delivery program is told; a tenant's own copy knows nothing of other tenants. */
export function deliverySettings(settings: Settings, tenants: readonly TenantSettings[]): DeliverySettings {
  const used = new Set(tenants.map(({ forge }) => forge));
  return {
    forges: settings.forges
      .filter(({ name }) => used.has(name))
      .map(({ name, kind, url, path }) => ({ name, kind, url, hook: `https://${settings.hosts.webhook}${path}` })),
    applications: tenants.flatMap((tenant) =>
      tenant.applications.map(
        (application): DeliveredApplication => ({
          tenant: tenant.name,
          name: application.name,
          ciNamespace: ciNamespace(tenant),
          source: placeOf(tenant, application.name),
          gitOps: placeOf(tenant, application.name + gitOpsSuffix),
          image: imageOf(settings, tenant, application),
        }),
      ),
    ),
    tags: 'revision',
    branches: gitOps.branches,
    overlays: gitOps.overlays,
    workflows: { build: deliveryWorkflow.build, release: deliveryWorkflow.release },
    timeouts: { buildAppears: settings.builds.appearsWithin, buildEnds: settings.builds.endsWithin },
    registry: { api: `https://${settings.registry.applications}` },
  };
}

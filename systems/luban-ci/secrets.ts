import type { SystemOutput } from '../../constructs/core/index.ts';
import { ReplicatedSecret, SecretAnnotations } from '../../constructs/tenant/index.ts';
import { sshHost } from '../../model/forge-url/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { ciNamespace, environmentNamespace, environments, forgeOf } from './names.ts';
import type { Settings, TenantSettings } from './settings.ts';

/** Names of Secrets; a copy has the name of its source. */
export const secretName = {
  forge: (forge: string) => `forge-${forge}`,
  gitKey: 'git-key',
  push: 'registry-push',
  pull: 'registry-pull',
  platform: 'platform-registry',
} as const;

const dockerConfig = { keys: ['.dockerconfigjson'], type: 'kubernetes.io/dockerconfigjson' } as const;

/** The Secrets that a person provides, and which namespaces get copies of them. */
export function composeSecrets(output: SystemOutput, settings: Settings): readonly SecretRef[] {
  const { namespace, tenants } = settings;
  const chart = output.chart('install/secrets/copies', { namespace, component: 'secrets' });
  const used = settings.forges.filter(({ name }) => tenants.some((tenant) => tenant.forge === name));
  const forges = used.map((forge): SecretRef => {
    const source: SecretRef = {
      namespace,
      name: secretName.forge(forge.name),
      keys: ['username', 'password'],
      type: 'kubernetes.io/basic-auth',
      provenance: 'provided',
      purpose: `${forge.user} at ${forge.url}: pushes overlays and opens pull requests; password is a token`,
    };
    new ReplicatedSecret(chart, source.name, {
      source,
      namespaces: tenants.filter((tenant) => tenant.forge === forge.name).map(ciNamespace),
    });
    return source;
  });
  const push: SecretRef = {
    namespace,
    name: secretName.push,
    ...dockerConfig,
    provenance: 'provided',
    purpose: `pushes applications' images to ${settings.registry.applications}, pulls the platform's`,
  };
  new ReplicatedSecret(chart, push.name, { source: push, namespaces: tenants.map(ciNamespace) });
  const pull: SecretRef = {
    namespace,
    name: secretName.pull,
    ...dockerConfig,
    provenance: 'provided',
    purpose: `pulls applications' images from ${settings.registry.applications}`,
  };
  const runtime = (tenant: TenantSettings) => environments.map((name) => environmentNamespace(tenant, name));
  new ReplicatedSecret(chart, pull.name, { source: pull, namespaces: tenants.flatMap(runtime) });
  const platform: SecretRef = {
    namespace,
    name: secretName.platform,
    ...dockerConfig,
    provenance: 'provided',
    purpose: `kpack: pulls stack and buildpack, pushes the builder to ${settings.registry.platform}`,
  };
  return [...forges, push, pull, platform, ...tenants.map((tenant) => gitKey(output, settings, tenant))];
}

/** A tenant's own key: it opens that tenant's repositories only, so it is not copied. */
function gitKey(output: SystemOutput, settings: Settings, tenant: TenantSettings): SecretRef {
  const forge = forgeOf(settings, tenant);
  const secret: SecretRef = {
    namespace: ciNamespace(tenant),
    name: secretName.gitKey,
    keys: ['ssh-privatekey', 'known_hosts'],
    type: 'kubernetes.io/ssh-auth',
    provenance: 'provided',
    purpose: `kpack reads the repositories of ${tenant.name} on ${forge.name}`,
  };
  const chart = output.chart(`install/secrets/${tenant.name}`, { component: 'secrets' });
  new SecretAnnotations(chart, 'GitKey', secret, { 'kpack.io/git': sshHost(forge) });
  return secret;
}

import { defineSystem } from '../../constructs/core/index.ts';
import { writeInventory } from '../../constructs/inventory/index.ts';
import { composeBuildPlatform, composeControl } from './control.ts';
import { composeInstall } from './install.ts';
import { deliverySettings } from './names.ts';
import { composeSecrets } from './secrets.ts';
import { checks, schema, settings } from './settings.ts';
import { composeTenant } from './tenants.ts';

/** Luban CI (requirements/003): Argo Events and Workflows, kpack, Argo CD, Dagster; many tenants, several forges. */
export const lubanCi = defineSystem({
  name: 'luban-ci',
  description:
    'Luban CI, for many tenants: from a push to any forge over the sandbox to a reviewed pull request for production',
  schema,
  settings,
  checks,
  compose(output, facts, context) {
    const control = composeControl(output, facts, context);
    const builder = composeBuildPlatform(output, facts);
    const tenantSecrets = facts.tenants.flatMap((tenant) => composeTenant(output, facts, tenant, context, builder));
    const secrets = [...composeSecrets(output, facts), ...control.secrets, ...tenantSecrets];
    // For the commands that people run: the same facts that the cluster has.
    output.file('delivery.json', `${JSON.stringify(deliverySettings(facts, facts.tenants), undefined, 2)}\n`);
    composeInstall(output, facts, secrets, control.hooks);
    writeInventory(output, {
      title: 'Luban CI',
      description:
        'A push to any forge is built by kpack in its tenant, deployed to the sandbox and, after a reviewed pull request, to production. The platform underneath is what luban-bootstrapper installs.',
      secrets,
    });
  },
});

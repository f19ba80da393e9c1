import type { KubernetesClient } from '../../kubernetes/client.ts';
import { isReason } from '../../kubernetes/errors.ts';
import {
  ADMISSION_POLICIES,
  ADMISSION_POLICY_BINDINGS,
  DEPLOYMENTS,
  type KubernetesObject,
  MUTATING_WEBHOOKS,
  type Resource,
  VALIDATING_WEBHOOKS,
} from '../../kubernetes/resources.ts';

const KARGO = 'kargo.akuity.io';
const CRON_JOBS: Resource = { group: 'batch', version: 'v1', plural: 'cronjobs', kind: 'CronJob', namespaced: true };
const WORKLOADS = /^kargo-(api|controller|management-controller|webhooks-server|external-webhooks-server)/;

interface Rule {
  apiGroups?: string[];
}

/**
 * What must not exist while Kargo's objects come back: its webhooks rename promotions, the gate refuses old ones, its controllers
 * would start a promotion in the moment between its creation and its status. Every obstacle with its remedy.
 */
export async function obstacles(client: KubernetesClient, controllerNamespace: string): Promise<string[]> {
  const found: string[] = [];
  for (const resource of [MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS]) {
    for (const configuration of (await client.list(resource)).items) {
      const webhooks = (configuration.webhooks ?? []) as { rules?: Rule[] }[];
      if (webhooks.some((webhook) => (webhook.rules ?? []).some(concernsKargo))) {
        found.push(
          `${resource.kind} ${configuration.metadata.name} exists (install Kargo with webhooks.register=false)`,
        );
      }
    }
  }
  const policies = (await client.list(ADMISSION_POLICIES)).items.filter((policy) => {
    const spec = policy.spec as { matchConstraints?: { resourceRules?: Rule[] } };
    return (spec.matchConstraints?.resourceRules ?? []).some(concernsKargo);
  });
  const names = new Set(policies.map((policy) => policy.metadata.name));
  for (const binding of (await client.list(ADMISSION_POLICY_BINDINGS)).items) {
    if (names.has((binding.spec as { policyName?: string }).policyName)) {
      found.push(`ValidatingAdmissionPolicyBinding ${binding.metadata.name} exists (apply the gate after the restore)`);
    }
  }
  for (const deployment of await listHere(client, DEPLOYMENTS, controllerNamespace)) {
    const { replicas } = deployment.spec as { replicas?: number };
    if (WORKLOADS.test(deployment.metadata.name ?? '') && replicas !== 0) {
      found.push(
        `Deployment ${controllerNamespace}/${deployment.metadata.name} is not at 0 replicas ` +
          '(install Kargo with workloads.install=false)',
      );
    }
  }
  for (const job of await listHere(client, CRON_JOBS, controllerNamespace)) {
    if (
      /^kargo-garbage-collector/.test(job.metadata.name ?? '') &&
      (job.spec as { suspend?: boolean }).suspend !== true
    ) {
      found.push(`CronJob ${controllerNamespace}/${job.metadata.name} is not suspended`);
    }
  }
  return found;
}

function concernsKargo(rule: Rule): boolean {
  return (rule.apiGroups ?? []).includes(KARGO);
}

async function listHere(client: KubernetesClient, resource: Resource, namespace: string): Promise<KubernetesObject[]> {
  try {
    return (await client.list(resource, { namespace })).items;
  } catch (error) {
    if (isReason(error, 'NotFound')) return [];
    throw error;
  }
}

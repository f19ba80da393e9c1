import { defineSystem } from '../../constructs/core/index.ts';
import { printWorkflow } from '../../constructs/github-actions/index.ts';
import { writeInventory } from '../../constructs/inventory/index.ts';
import { rollBackScript } from '../../constructs/manifests-branch/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { guide } from './guide.ts';
import { apiKeys, composeApplications, composeBase, composeServices, repositoryUrl } from './manifests.ts';
import { checks, type Settings, schema, settings } from './settings.ts';
import setupArgoCdScript from './setup-argocd.sh';
import { ftmoWorkflow } from './workflow.ts';

/** FTMO trading (requirements/004): GitHub Actions, GHCR, a manifests branch that Argo CD follows. */
export const ftmoTrading = defineSystem({
  name: 'ftmo-trading',
  description: 'FTMO trading, from a push to GitHub to a manifests branch that Argo CD deploys on k3s',
  schema,
  settings,
  checks,
  compose(output, facts) {
    const { workflow, scripts } = ftmoWorkflow(facts);
    output.file('repo/.github/workflows/ci-cd.yml', printWorkflow(workflow));
    for (const { path, content } of scripts) {
      output.file(`repo/${path}`, content, { executable: true });
    }
    output.file('repo/scripts/setup-argocd.sh', setupArgoCd(facts), { executable: true });
    output.file('repo/scripts/roll-back.sh', rollBackScript, { executable: true });
    composeServices(output, facts);
    const password = composeBase(output, facts);
    composeApplications(output, facts);
    output.file('repo/docs/ci-cd-pipeline.md', guide(facts, workflow));
    writeInventory(output, {
      title: 'FTMO trading',
      description:
        'GitHub Actions tests, builds and scans every push, and writes manifests with exactly the tag that was pushed to a branch of their own, which Argo CD follows. `repo/` belongs into the application repository.',
      secrets: [password, ...providedSecrets(facts)],
    });
  },
});

function setupArgoCd(facts: Settings): string {
  return setupArgoCdScript
    .replace('@ARGOCD_VERSION@', facts.versions.argoCd)
    .replace('@ARGOCD_NAMESPACE@', facts.argoCd.namespace)
    .replace('@NODE_PORT@', String(facts.argoCd.nodePort))
    .replace('@REPOSITORY@', repositoryUrl(facts));
}

function providedSecrets({ namespace, apiKeysSecret, registry }: Settings): readonly SecretRef[] {
  const provenance = 'provided';
  return [
    {
      namespace,
      name: apiKeysSecret,
      keys: apiKeys,
      provenance,
      optional: true,
      purpose: 'keys of the providers of market data',
    },
    ...(registry.pullSecret === undefined
      ? []
      : [
          {
            namespace,
            name: registry.pullSecret,
            keys: ['.dockerconfigjson'],
            type: 'kubernetes.io/dockerconfigjson',
            provenance,
            purpose: 'lets the cluster read private packages',
          } as const,
        ]),
  ];
}

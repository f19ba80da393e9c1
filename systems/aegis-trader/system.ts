import { defineSystem } from '../../constructs/core/index.ts';
import { printWorkflow } from '../../constructs/github-actions/index.ts';
import { writeInventory } from '../../constructs/inventory/index.ts';
import { tagPlaceholder } from '../../constructs/manifests-branch/index.ts';
import { composeCluster } from './cluster.ts';
import { guide } from './guide.ts';
import { checks, schema, settings } from './settings.ts';
import validation from './test_ci_cd_workflow.py';
import { generateValuesScript } from './values.ts';
import { aegisWorkflow, imagesFile, pulledValues } from './workflow.ts';

/** AegisTrader (requirements/002): GitHub Actions, GHCR, Helm to staging. */
export const aegisTrader = defineSystem({
  name: 'aegis-trader',
  description: 'AegisTrader, from a push to GitHub to a verified staging environment, with Helm or by pull',
  schema,
  settings,
  checks,
  compose(output, facts) {
    const { workflow, scripts } = aegisWorkflow(facts);
    output.file('repo/.github/workflows/ci-cd.yml', printWorkflow(workflow));
    for (const { path, content } of scripts) {
      output.file(`repo/${path}`, content, { executable: true });
    }
    output.file(`repo/${facts.staging.chart}/generate-helm-values.sh`, generateValuesScript(facts), {
      executable: true,
    });
    if (facts.delivery.way === 'pull') {
      output.file(`repo/${pulledValues[1]}`, imagesFile(facts, tagPlaceholder));
    }
    output.file('repo/docs/ci-cd-guide.md', guide(facts, workflow));
    output.file('repo/tests/test_ci_cd_workflow.py', validation);
    composeCluster(output, facts);
    writeInventory(output, {
      title: 'AegisTrader',
      description:
        'GitHub Actions tests, builds, scans and pushes; exactly the tag that was pushed is deployed to staging and verified there. `repo/` belongs into the application repository, `cluster/` is applied once by a cluster administrator.',
      secrets: [],
    });
  },
});

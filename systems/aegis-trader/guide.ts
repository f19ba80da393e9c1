import { type SecretDescription, secretsTable, type Workflow } from '../../constructs/github-actions/index.ts';
import type { Settings } from './settings.ts';
import { valuesCommand, valuesFile } from './values.ts';
import { imagePrefix } from './workflow.ts';

const described: Readonly<Record<string, SecretDescription>> = {
  GITHUB_TOKEN: {
    purpose: 'pushes images, uploads findings of the scan',
    source: 'GitHub makes it for every run; nothing to set up',
  },
  KUBE_CONFIG: {
    purpose: 'reaches the namespace of staging, and nothing else',
    source: 'written by `scripts/generate-kubeconfig.sh`',
  },
  REGISTRY_USERNAME: { purpose: 'user of the registry', source: 'the registry' },
  REGISTRY_PASSWORD: { purpose: 'password or token of the registry', source: 'the registry' },
};

/** `docs/ci-cd-guide.md` of the application's repository. */
export function guide(settings: Settings, workflow: Workflow): string {
  const { staging, services, python, github, delivery, registry } = settings;
  const prefix = imagePrefix(settings);
  const { release, namespace, chart } = staging;
  const jobs = Object.keys(workflow.jobs);
  const optionalLogin =
    registry.login === 'github-token'
      ? `The registry is reached with \`GITHUB_TOKEN\`. A registry that does not know this token needs a user and a password as secrets of the repository: set \`registry.login\` to \`secrets\` in the settings and render again.`
      : 'The registry is reached with a user and a password of its own.';
  return `# CI/CD guide

Rendered by \`npm run synth\`; changes belong in the settings.

## Pipeline Architecture

\`.github/workflows/ci-cd.yml\` runs on pushes to \`${github.branch}\`, on pull requests to \`${github.branch}\` and on Git tags \`v*.*.*\`.

| Stage | Job | When | What it does |
| --- | --- | --- | --- |
| Trigger | | | see above; a newer push to a pull request cancels the run before it; elsewhere a running one is never cancelled, and of several that wait the newest runs |
| Test | \`test\` | always | ${python.packages.map((p) => `\`${p}\``).join(', ')} and the requirements, then ruff, black, mypy (strict), unit tests, integration tests with NATS from testcontainers; below ${python.coverage} % coverage it fails |
| Build | \`build\` | always | builds ${services.map(({ name }) => `\`${name}\``).join(' and ')}, scans them; a vulnerability of severity HIGH or CRITICAL that has a fix fails the run |
| Push | \`push\` | \`${github.branch}\` and tags | pushes for ${settings.platforms.join(' and ')} |
| Deploy | \`deploy-staging\` | \`${github.branch}\` | ${deploySummary(settings)} |
${jobs.includes('verify') ? `| Verify | \`verify\` | \`${github.branch}\` | rollout, NATS, endpoints, an answer from each service |\n` : ''}
Images are called \`${prefix}/<service>\`. Their tags:

| Event | Tags | Deployed |
| --- | --- | --- |
| push to \`${github.branch}\` | the first 7 characters of the commit, \`latest\` | the 7 characters |
| pull request 12 | \`pr-12-<7 characters>\`, not pushed | nothing |
| Git tag \`v1.2.3\` | \`1.2.3\` and \`1.2\` | nothing; staging follows \`${github.branch}\` |

Commits follow Conventional Commits, tests are called \`test_{functionality}_{expected_behavior}\`; neither is enforced by the pipeline. Tests that need Docker carry the marker \`integration\`.

## Environment Variables and Secrets

| Variable | Value |
| --- | --- |
${Object.entries(workflow.env ?? {})
  .map(([name, value]) => `| \`${name}\` | \`${value}\` |`)
  .join('\n')}

The variable \`NPM_PROXY\` of the repository (Settings, Variables) is handed to the builds; leave it unset without a proxy.

${secretsTable(workflow, described)}

${optionalLogin} No secret is ever written into the repository.

${accountText(settings)}
## Troubleshooting Guide

- **\`test\` fails at "Install shared packages"**: a package needs another one that comes after it; the order stands in the settings.
- **Coverage is below ${python.coverage} %**: the report of the run (\`test-reports\`) has the lines; the limit is not lowered for a deadline.
- **pytest ends with 5**: no test carries the marker \`integration\`.
- **"the image ... is not there"** in the scan: the build before it failed.
- **"Advanced Security must be enabled"** while uploading findings: a private repository needs code scanning; switch it on, or make the repository public.
- **\`denied\` while pushing**: the package exists and belongs to another repository; give this one the role "Write" in the package's settings.
- **"no container has ..."** in \`deploy-staging\`: the chart does not read \`<service>.image.tag\`; a value that no template reads would be ignored without a word.
${
  delivery.way === 'helm'
    ? `- **"the cluster does not answer"**: runners of GitHub cannot reach a cluster in a private network. Set \`delivery.runner\` to the label of a runner beside the cluster, or \`delivery.way\` to \`pull\`, and render again.
- **"KUBE_CONFIG is not base64"** or \`Unauthorized\`: the token has run out; make a new value with \`scripts/generate-kubeconfig.sh\`.
- **\`verify\` fails**: its last step shows pods, events and logs, and goes back to the revision before; the run stays red.
`
    : `- **Staging does not follow**: look at the Application \`${release}\` in Argo CD; the branch \`${delivery.branch}\` has the tag.
`
}
## Manual Deployment Override Procedures

Deploy a tag that exists by hand (\`TAG\` is one of the list at \`${prefix}/${services[0]?.name}\`):

\`\`\`bash
cd ${chart}
${valuesCommand}
helm upgrade --install ${release} . --namespace ${namespace} --values ${valuesFile} \\
${services.map(({ name }) => `  --set-string ${name}.image.repository=${prefix}/${name} --set-string ${name}.image.tag="$TAG" \\`).join('\n')}
  --timeout 10m --wait --atomic
\`\`\`

Go back by one revision:

\`\`\`bash
helm history ${release} --namespace ${namespace}
helm rollback ${release} --namespace ${namespace} --wait
\`\`\`

${delivery.way === 'pull' ? `Argo CD undoes both unless its automatic sync is switched off first: \`argocd app set ${release} --sync-policy none\`.\n` : 'The next push to the branch deploys its own tag again; to stay back, revert the commit instead.\n'}
Run the pipeline again for a commit: the page of its run, "Re-run all jobs".
`;
}

function deploySummary({ delivery, staging }: Settings): string {
  return delivery.way === 'helm'
    ? `deploys exactly the tag that was pushed with Helm to \`${staging.namespace}\`, on runners \`${delivery.runner}\``
    : `writes exactly the tag that was pushed to the branch \`${delivery.branch}\`, which Argo CD in the cluster follows`;
}

function accountText({ delivery, staging }: Settings): string {
  if (delivery.way === 'pull') {
    return `A cluster administrator applies the rendered objects once (namespace, project, Application); the pipeline itself has no access to the cluster.\n`;
  }
  return `A cluster administrator applies the rendered objects of the namespace once, and makes the value of \`KUBE_CONFIG\` for the account \`ci-deployer\`, which reaches \`${staging.namespace}\` only:

\`\`\`bash
kubectl apply --filename=cluster/
bash scripts/generate-kubeconfig.sh ${staging.namespace} ci-deployer kube-config.txt
gh secret set KUBE_CONFIG --env staging < kube-config.txt
rm kube-config.txt
\`\`\`

The token in it runs out; make a new one before.
`;
}

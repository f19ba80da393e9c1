import { type SecretDescription, secretsTable, type Workflow } from '../../constructs/github-actions/index.ts';
import { tagPlaceholder } from '../../constructs/manifests-branch/index.ts';
import { apiKeys, applications, databaseEnvironment, folders, repositoryUrl } from './manifests.ts';
import type { Settings } from './settings.ts';
import { imagePrefix } from './workflow.ts';

const described: Readonly<Record<string, SecretDescription>> = {
  GITHUB_TOKEN: {
    purpose: 'pushes images and the manifests branch, uploads findings of the scan',
    source: 'GitHub makes it for every run; nothing to set up',
  },
};

/** `docs/ci-cd-pipeline.md` of the application's repository. */
export function guide(settings: Settings, workflow: Workflow): string {
  const { services, namespace, database, argoCd, manifests, github, registry, versions, apiKeysSecret } = settings;
  const example = services[1] ?? services[0];
  const name = example?.name ?? '';
  const list = (items: readonly string[]) => items.map((item) => `- ${item}`).join('\n');
  return `# CI/CD Pipeline for FTMO Trading System

Rendered by \`npm run synth\`; changes belong in the settings.

## Overview

GitHub Actions checks, builds and scans; the images go to ${registry.host}; the pipeline writes manifests with the tag that it pushed to the branch \`${manifests.branch}\`; Argo CD deploys that branch to k3s.

## Architecture

\`\`\`mermaid
flowchart LR
  push["push, pull request"] --> checks["quality, test, security"] --> build["build, scan"] --> registry["${registry.host}"]
  build --> manifests["branch ${manifests.branch}"] --> argocd["Argo CD"] --> cluster["namespace ${namespace}"]
  registry --> cluster
\`\`\`

## Pipeline Stages

### 1. Code Quality & Testing

flake8, black and isort, pytest with coverage for each service, and Trivy over the repository; each of them stops the run. A service without tests is named in the summary. Findings of severity HIGH and CRITICAL count if there is a fix.

### 2. Container Image Build

The images are \`${imagePrefix(settings)}/<service>\`:

${list(services.map((service) => `${service.name} (${service.platforms.join(', ')})`))}

Every image is built, scanned, and then pushed with its tags: \`<branch>-<7 characters of the commit>\`, and \`latest\` from \`${github.branch}\`. Pull requests build \`pr-<number>\` and push nothing. \`latest\` is never deployed.

### 3. GitOps Manifest Update

After all images of a push to \`${github.branch}\` are there, the job \`manifests\` fills their tag into \`${folders.services}\` and \`${folders.base}\`, validates the result with kubeconform (kubeval, its predecessor, is archived), and makes it the content of \`${manifests.branch}\`. The branch is written by the pipeline only, gets a commit only if something changed, and starts no pipeline.

### 4. ArgoCD Deployment

The Applications \`${applications.services}\` (\`${folders.services}\`) and \`${applications.base}\` (\`${folders.base}\`) follow \`${manifests.branch}\`: automatic sync, self-heal, five more attempts after a failure, ten revisions.

## Services Configuration

### Container Resources

| Service | CPU Request | Memory Request | CPU Limit | Memory Limit |
| --- | --- | --- | --- | --- |
${services.map((s) => `| ${s.name} | ${s.cpu} | ${s.memory} | ${s.cpuLimit} | ${s.memoryLimit} |`).join('\n')}

### Environment Variables

Every service has:

${list(Object.entries(databaseEnvironment(settings)).map(([key, value]) => `\`${key}\`: ${value}`))}
- \`POSTGRES_PASSWORD\`: from \`${database.secret}\`

${services
  .filter((service) => service.apiKeys)
  .map((service) => `\`${service.name}\``)
  .join(
    ', ',
  )} also have, if the Secret is there: ${apiKeys.map((key) => `\`${key}\``).join(', ')} from \`${apiKeysSecret}\`.

## Setup Instructions

### 1. Install ArgoCD on k3s

\`\`\`bash
./scripts/setup-argocd.sh
\`\`\`

It may be run again at any time. For a private repository set \`REPOSITORY_TOKEN\` to a token that reads it. Argo CD is ${versions.argoCd}.

### 2. Configure Secrets

Argo CD makes the namespace; before its first sync make it yourself. No Secret is in Git: one there would be synced over yours.

\`\`\`bash
kubectl create namespace ${namespace}
kubectl create secret generic ${database.secret} --from-file=POSTGRES_PASSWORD=password.txt -n ${namespace}
kubectl create secret generic ${apiKeysSecret} --from-env-file=api-keys.env -n ${namespace}
${registry.pullSecret === undefined ? '' : `kubectl create secret docker-registry ${registry.pullSecret} --docker-server=${registry.host} --docker-username=${github.owner} --docker-password="$GHCR_TOKEN" -n ${namespace}\n`}\`\`\`

\`password.txt\` has letters and digits only and no line end; \`api-keys.env\` has lines like \`${apiKeys[0]}=...\`. Delete both afterwards.

The pipeline itself uses:

${secretsTable(workflow, described)}

### 3. Deploy Applications

\`\`\`bash
kubectl apply -f ${folders.argoCd}/
\`\`\`

The set-up script has done it already; doing it again changes nothing. Until the first run on \`${github.branch}\` is over there is no branch \`${manifests.branch}\`, and Argo CD says so.

## Workflow Triggers

### Continuous Integration (CI)

Pushes to every branch but \`${manifests.branch}\`, and pull requests to \`${github.branch}\`: quality, test, security, build and scan. Pushes also push their images.

### Continuous Deployment (CD)

Pushes to \`${github.branch}\`: the manifests branch, and with it the cluster.

## Monitoring & Observability

### ArgoCD Dashboard

- URL: \`http://<address of a node>:${argoCd.nodePort}\`, plain http; keep it inside your network
- User: \`admin\`; the set-up script shows the password on a terminal

### Application Health

Each service answers \`GET ${example?.health}\` on its port; start, liveness and readiness ask exactly that.

## Security

### Container Security

The job \`security\` refuses Dockerfiles that are not built on an official slim image of Python. Containers run as an ordinary user, without privileges, with a read-only file system but for \`/tmp\`.

### Secrets Management

Values live in the cluster only. To change one, replace the Secret and restart what reads it: \`kubectl rollout restart deployment/${name} -n ${namespace}\`.

## Rollback Procedures

Self-heal undoes what is changed in the cluster, so \`kubectl rollout undo\` alone does not last. Git is where to go back.

### Quick Rollback via ArgoCD

Argo CD rolls back only while automatic sync is off:

\`\`\`bash
argocd app set ${applications.services} --sync-policy none
argocd app history ${applications.services}
argocd app rollback ${applications.services} <ID>
argocd app set ${applications.services} --sync-policy automated --self-heal --auto-prune
\`\`\`

The last command deploys the branch again: do it once the branch is right.

### Manual Rollback

\`\`\`bash
MANIFESTS_BRANCH=${manifests.branch} ./scripts/roll-back.sh
\`\`\`

The branch gets a new commit with the content of the one before (or of a commit that you name), and Argo CD follows. It lasts until the next push to \`${github.branch}\`; revert the faulty commit there.

## Troubleshooting

### Common Issues

1. **Image pull errors**: the tag in the error must be on the packages page; "${tagPlaceholder}" means that somebody applied \`${folders.services}\` by hand instead of the branch. \`unauthorized\`: the Secret \`${registry.pullSecret ?? 'for the registry'}\` is missing, or its token has run out.
2. **ArgoCD sync issues**: "revision ${manifests.branch} not found": the first run on \`${github.branch}\` is not over. "repository not accessible": set up again with \`REPOSITORY_TOKEN\`.
3. **Service startup failures**: the Secret \`${database.secret}\` is missing, or the database is not ready.
4. **"Advanced Security must be enabled"** while uploading findings: a private repository needs code scanning; switch it on, or make the repository public.
5. **"somebody else pushed"** in the job \`manifests\`: it tries again by itself.

### Debugging Commands

\`\`\`bash
kubectl get applications -n ${argoCd.namespace}
kubectl get deployments -n ${namespace}
kubectl logs -l app=${name} -n ${namespace} --tail=100
kubectl get pods -n ${namespace}
git ls-remote ${repositoryUrl(settings)} refs/heads/${manifests.branch}
\`\`\`

## Performance Optimization

### Resource Tuning

Compare \`kubectl top pods -n ${namespace}\` with the table above and change the settings.

### Image Optimization

Builds keep a cache per service; multi-stage Dockerfiles and few layers that change often profit most.

## Future Enhancements

Not part of this pipeline: integration tests, blue-green and canary deployments, more environments, disaster recovery beyond the nightly dump of the database on its own volume.
`;
}

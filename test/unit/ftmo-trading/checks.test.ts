import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import type { Job, Workflow, WorkflowStep } from '../../../constructs/github-actions/index.ts';
import type { settings } from '../../../systems/ftmo-trading/settings.ts';
import {
  allCommands,
  allSteps,
  eventContext,
  pushedReferences,
  runStepOf,
  stepOf,
} from '../../support/github-actions/run.ts';
import { context, fileText, objectNamed, objectsIn, renderedFiles, systemNamed } from '../../support/rendered.ts';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

const files = renderedFiles('ftmo-trading');
const objects = objectsIn(files);
const text = fileText(files, 'repo/.github/workflows/ci-cd.yml');
const workflow = load(text) as Workflow;
const guide = fileText(files, 'repo/docs/ci-cd-pipeline.md');
const setUp = fileText(files, 'repo/scripts/setup-argocd.sh');
const { jobs } = workflow;
const sha = '0123456aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

/** The table of the requirements, and the two services that it leaves out. */
const table = [
  ['postgres-data-collector', '250m', '256Mi', '500m', '512Mi'],
  ['signal-generation-engine', '500m', '1Gi', '1000m', '2Gi'],
  ['technical-pattern-service', '250m', '512Mi', '500m', '1Gi'],
  ['finbert-sentiment-service', '1000m', '2Gi', '2000m', '4Gi'],
  ['news-ingestion-service', '250m', '256Mi', '500m', '512Mi'],
  ['signal-monitoring', '250m', '256Mi', '500m', '512Mi'],
  ['dax-llm-service', '500m', '1Gi', '2000m', '4Gi'],
  ['finbert-trading-llm', '1000m', '2Gi', '4000m', '8Gi'],
] as const;
const names = table.map(([name]) => name);

interface Container {
  readonly image: string;
  readonly env: readonly { name: string; value?: string; valueFrom?: { secretKeyRef: Record<string, unknown> } }[];
  readonly ports: readonly { name: string; containerPort: number }[];
  readonly resources: Record<'requests' | 'limits', Record<string, string>>;
  readonly livenessProbe: unknown;
  readonly readinessProbe: unknown;
  readonly startupProbe: unknown;
}

function containerOf(object: KubernetesObject): Container {
  const spec = object['spec'] as { template: { spec: { containers: Container[] } } };
  return spec.template.spec.containers[0] as Container;
}
const container = (name: string) => containerOf(objectNamed(files, 'Deployment', name, 'dax-trading'));

function variant(change: (facts: typeof settings) => unknown) {
  return systemNamed('ftmo-trading').render(context, (facts) => change(facts as typeof settings));
}

const withOf = (step: WorkflowStep) => ('with' in step ? (step.with ?? {}) : {});

describe('FTMO trading', () => {
  let shell: ShellFolder;
  beforeEach(() => {
    shell = shellFolder();
  });
  afterEach(() => shell.remove());

  it('check 1: CI runs for every branch but the one that the pipeline writes, and for pull requests to main', () => {
    expect(workflow.on).toEqual({ push: { branches: ['**', '!manifests'] }, pull_request: { branches: ['main'] } });
    expect(() => variant((facts) => ({ ...facts, manifests: { branch: 'main' } }))).toThrow(
      'would start the pipeline that made it',
    );
  });

  it('check 2: flake8, black and isort block', () => {
    const commands = allCommands({ ...workflow, jobs: { quality: jobs['quality'] as Job } });
    for (const command of [
      'flake8 services',
      'black --check services',
      'isort --check-only --profile black services',
    ]) {
      expect(commands).toContain(command);
    }
    expect(allCommands(workflow)).not.toMatch(/--exit-zero|\|\| (true|echo)|echo .*[Ss]kipping/);
    for (const step of allSteps(workflow)) expect(step).not.toHaveProperty('continue-on-error');
    expect(jobs['build']?.needs).toEqual(['quality', 'test', 'security']);
  });

  describe('check 3: pytest', () => {
    const test = (pytest: number, folders: readonly string[]) => {
      for (const folder of folders) mkdirSync(path.join(shell.path, folder), { recursive: true });
      shell.standIn(
        'python',
        `case "$*" in *pytest*) echo "$PWD: $*" >> "${shell.path}/calls"; exit ${pytest} ;; esac`,
      );
      writeFileSync(path.join(shell.path, 'summary'), '');
      return shell
        .sh(
          fileText(files, 'repo/.github/scripts/test-service.sh'),
          ['services/web'],
          { GITHUB_STEP_SUMMARY: path.join(shell.path, 'summary') },
          'bash',
        )
        .then((finished) => ({ ...finished, summary: readFileSync(path.join(shell.path, 'summary'), 'utf8') }));
    };

    it('runs for each service, with coverage', async () => {
      expect(jobs['test']?.strategy?.matrix.include.map(({ service }) => service)).toEqual(names);
      expect(await test(0, ['services/web/tests'])).toMatchObject({ code: 0, summary: '' });
      expect(readFileSync(path.join(shell.path, 'calls'), 'utf8')).toContain('services/web: -m pytest tests --cov=app');
    });

    it('names a service without tests instead of failing or hiding it', async () => {
      for (const folders of [['services/web'], ['services/web/tests']]) {
        const result = await test(5, folders);
        expect(result).toMatchObject({ code: 0, summary: '- `services/web` has no tests yet\n' });
      }
    });

    it('fails with its tests, and for a service that is not there', async () => {
      expect(await test(1, ['services/web/tests'])).toMatchObject({ code: 1 });
      shell.remove();
      shell = shellFolder();
      expect(await test(0, [])).toMatchObject({ code: 1 });
    });
  });

  it('check 4: Trivy scans the repository and every image, pinned', () => {
    for (const [id, step] of [
      ['security', 'Scan the repository'],
      ['build', 'Scan the image'],
    ] as const) {
      expect(runStepOf(jobs[id], step).env).toMatchObject({ SEVERITY: 'HIGH,CRITICAL' });
      expect(runStepOf(jobs[id], step).env?.['TRIVY_IMAGE']).toMatch(/:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
    }
  });

  it('check 4: a scan reports first, then fails on what it found, and refuses an image that is not there', async () => {
    const scan = (there: number, found: number) => {
      shell.standIn(
        'docker',
        `echo "$*" >> calls\ncase "$*" in *inspect*) exit ${there} ;; *exit-code*) exit ${found} ;; esac`,
      );
      return shell.sh(
        fileText(files, 'repo/.github/scripts/scan.sh'),
        ['image', 'x/web:candidate', 'web'],
        { TRIVY_IMAGE: 'trivy:1', SEVERITY: 'HIGH,CRITICAL' },
        'bash',
      );
    };
    expect(await scan(0, 0)).toMatchObject({ code: 0 });
    expect(await scan(0, 1)).toMatchObject({ code: 1 });
    const calls = readFileSync(path.join(shell.path, 'calls'), 'utf8').split('\n');
    expect(calls[1]).toContain('--format sarif --output reports/web.sarif x/web:candidate');
    expect(calls[2]).toContain('--format table --exit-code 1 x/web:candidate');
    const missing = await scan(1, 0);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('build it first');
  });

  it('check 5: the eight images, each from its own folder', () => {
    expect(jobs['build']?.strategy?.matrix.include).toEqual(
      names.map((name) => ({
        service: name,
        repository: `ghcr.io/dan8992/${name}`,
        dockerfile: `services/${name}/Dockerfile`,
        context: `services/${name}`,
        platforms: 'linux/amd64,linux/arm64',
      })),
    );
  });

  it.each([
    ['main', eventContext({ push: 'main', sha }), ['main-0123456', 'latest'], 'main-0123456'],
    ['a branch with a slash', eventContext({ push: 'feature/a b', sha }), ['feature-a-b-0123456'], ''],
    ['a pull request', eventContext({ pullRequest: 7, sha }), ['pr-7'], ''],
  ])('check 6: the tags of %s', async (_name, event, tags, deploy) => {
    const pushed = await pushedReferences(jobs['build'], { repository: 'ghcr.io/x/web' }, event, shell.path);
    expect(pushed).toEqual({ references: tags.map((tag) => `ghcr.io/x/web:${tag}`), deploy });
  });

  it('check 6: pull requests push nothing', () => {
    for (const name of ['Build and push', 'Log in to the registry']) {
      expect(stepOf(jobs['build'], name).if).toBe("github.event_name == 'push'");
    }
  });

  it('check 7: the manifests get the very tag that was pushed', () => {
    expect(jobs['build']?.outputs).toEqual({ tag: '${{ steps.tags.outputs.deploy }}' });
    for (const name of ['Fill in the tag', 'Write the branch manifests']) {
      expect(runStepOf(jobs['manifests'], name).env?.['IMAGE_TAG']).toBe('${{ needs.build.outputs.tag }}');
    }
  });

  it('check 8: the manifests are written after all images are built, for every change on main', () => {
    expect(jobs['manifests']).toMatchObject({
      needs: ['build'],
      if: "github.event_name == 'push' && github.ref == 'refs/heads/main'",
    });
    expect(JSON.stringify(workflow.on)).not.toContain('paths');
  });

  it('check 9: the branch is written by the bot of GitHub, with the right to write and nothing more', () => {
    expect(jobs['manifests']?.permissions).toEqual({ contents: 'write' });
    const write = runStepOf(jobs['manifests'], 'Write the branch manifests');
    expect(write.env).toMatchObject({
      MANIFESTS_BRANCH: 'manifests',
      SOURCE_COMMIT: '${{ github.sha }}',
      GIT_AUTHOR_NAME: 'github-actions[bot]',
    });
    expect(withOf(stepOf(jobs['manifests'], 'Check out'))).toEqual({ 'fetch-depth': 0, 'persist-credentials': true });
    const others = Object.entries(jobs).filter(([id]) => id !== 'manifests');
    for (const [, job] of others) expect(job.permissions).not.toHaveProperty('contents', 'write');
    expect(fileText(files, 'repo/.github/scripts/manifests.sh')).not.toMatch(/push .*(--force|-f )/);
  });

  it('check 10: kubeconform validates what is about to be pushed, strictly and pinned', () => {
    const validate = runStepOf(jobs['manifests'], 'Validate the manifests');
    expect(validate.run).toMatch(/-strict -summary -kubernetes-version 1\.\d+\.\d+ \/deploy/);
    expect(validate.env?.['KUBECONFORM_IMAGE']).toMatch(/kubeconform:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
    const order = jobs['manifests']?.steps.map(({ name }) => name) ?? [];
    expect(order.indexOf('Fill in the tag')).toBeLessThan(order.indexOf('Validate the manifests'));
    expect(order.indexOf('Validate the manifests')).toBeLessThan(order.indexOf('Write the branch manifests'));
  });

  it.each([
    ['ftmo-trading', 'infra/k8s-manifests'],
    ['postgres-database', 'infra/k8s-base'],
  ])('check 11: the Application %s follows the branch', (name, folder) => {
    expect(objectNamed(files, 'Application', name, 'argocd')['spec']).toMatchObject({
      source: { repoURL: 'https://github.com/dan8992/ftmo-trading.git', targetRevision: 'manifests', path: folder },
      destination: { namespace: 'dax-trading' },
      revisionHistoryLimit: 10,
      syncPolicy: {
        automated: { prune: true, selfHeal: true },
        syncOptions: expect.arrayContaining(['CreateNamespace=true']),
        retry: { limit: 5, backoff: { duration: '5s', factor: 2, maxDuration: '3m' } },
      },
    });
    expect(files.some((file) => file.path.startsWith(`repo/${folder}/`))).toBe(true);
    expect(runStepOf(jobs['manifests'], 'Fill in the tag').run).toContain(folder);
  });

  it.each(table)(
    'check 12: %s has its resources, a Deployment and a Service',
    (name, cpu, memory, cpuLimit, memoryLimit) => {
      expect(container(name).resources).toMatchObject({
        requests: { cpu, memory },
        limits: { cpu: cpuLimit, memory: memoryLimit },
      });
      expect(objectNamed(files, 'Service', `${name}-service`, 'dax-trading')['spec']).toMatchObject({
        selector: { app: name },
      });
    },
  );

  it('check 12: there are eight Deployments and no two of one name', () => {
    const deployments = objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name);
    expect([...deployments].sort()).toEqual([...names].sort());
    expect(() => variant((facts) => ({ ...facts, services: [...facts.services, facts.services[0]] }))).toThrow(
      'two services are called',
    );
  });

  it.each(names)('check 13: %s is told where the database is', (name) => {
    const variables = new Map(container(name).env.map((variable) => [variable.name, variable]));
    expect(variables.get('POSTGRES_HOST')?.value).toBe('postgres-service');
    expect(variables.get('POSTGRES_PORT')?.value).toBe('5432');
    expect(variables.get('POSTGRES_DB')?.value).toBe('finrl_dax');
    expect(variables.get('POSTGRES_USER')?.value).toBe('finrl_user');
    expect(variables.get('POSTGRES_PASSWORD')?.valueFrom?.secretKeyRef).toEqual({
      name: 'postgres-secret',
      key: 'POSTGRES_PASSWORD',
    });
    const file = parse(fileText(files, `repo/infra/k8s-manifests/${name}.yaml`).split('---\n')[1] ?? '', {
      version: '1.1',
    }) as KubernetesObject;
    expect(containerOf(file).env.find((variable) => variable.name === 'POSTGRES_PORT')?.value).toBe('5432');
  });

  it('check 14: API keys are optional', () => {
    const keys = names.flatMap((name) => container(name).env.filter((variable) => /_KEY$/.test(variable.name)));
    expect(new Set(keys.map(({ name }) => name))).toEqual(new Set(['ALPHA_VANTAGE_KEY', 'FMP_KEY']));
    for (const { name, valueFrom } of keys) {
      expect(valueFrom?.secretKeyRef).toEqual({ name: 'api-keys-secret', key: name, optional: true });
    }
  });

  it('check 15: the database that is made is the one that the services ask for', () => {
    const server = objectNamed(files, 'StatefulSet', 'postgres', 'dax-trading');
    const made = containerOf(server).env.find(({ name }) => name === 'POSTGRES_DB')?.value;
    const asked = names.map((name) => container(name).env.find((variable) => variable.name === 'POSTGRES_DB')?.value);
    expect(new Set([made, ...asked])).toEqual(new Set(['finrl_dax']));
    expect(objectNamed(files, 'Service', 'postgres-service', 'dax-trading')['spec']).toMatchObject({
      ports: [{ port: 5432 }],
    });
    expect(containerOf(server)).toMatchObject({ readinessProbe: expect.anything(), livenessProbe: expect.anything() });
    expect(objectNamed(files, 'PersistentVolumeClaim', 'postgres-data')['spec']).toMatchObject({
      resources: { requests: { storage: '100Gi' } },
    });
  });

  it('check 15: data of one major version is never opened by another', () => {
    const server = containerOf(objectNamed(files, 'StatefulSet', 'postgres'));
    expect(server.env.find(({ name }) => name === 'PGDATA')?.value).toMatch(/\/pg15$/);
    expect(server.image).toMatch(/postgres:15\./);
  });

  it('check 16: no Secret is in Git, so that none is synced over the real one', () => {
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    expect(guide).toContain('kubectl create secret generic postgres-secret');
  });

  it.each(names)('check 17: the probes of %s ask it, on the port of container and Service', (name) => {
    const { ports, livenessProbe, readinessProbe, startupProbe } = container(name);
    const port = name === 'dax-llm-service' ? 8000 : 8080;
    expect(ports).toEqual([{ name: 'http', containerPort: port, protocol: 'TCP' }]);
    for (const probe of [livenessProbe, readinessProbe, startupProbe]) {
      expect(probe).toMatchObject({ httpGet: { path: '/health', port: 'http' } });
      expect(probe).not.toHaveProperty('exec');
    }
    expect(objectNamed(files, 'Service', `${name}-service`)['spec']).toMatchObject({
      ports: [{ port, targetPort: 'http' }],
    });
  });

  describe('check 18: the set-up of Argo CD', () => {
    /** Runs it against stand-ins; `insecure` is what the cluster says about server.insecure. */
    const install = async (environment: Readonly<Record<string, string>> = {}, insecure = '') => {
      shell.standIn(
        'kubectl',
        `echo "$*" >> calls
case "$*" in
*server*insecure*jsonpath* | *jsonpath*insecure*) printf '%s' '${insecure}' ;;
*"create secret"*) cat > token ;;
*--filename=-*) cat > /dev/null ;;
esac`,
      );
      const finished = await shell.sh(setUp, [], environment, 'bash');
      return { ...finished, calls: readFileSync(path.join(shell.path, 'calls'), 'utf8') };
    };

    it('installs a fixed version, on the server, and waits for it', async () => {
      const { code, calls } = await install();
      expect(code).toBe(0);
      expect(calls).toContain('create namespace argocd --dry-run=client --output=yaml');
      expect(calls).toMatch(
        /apply --server-side --force-conflicts --filename=\S+\/argo-cd\/v3\.4\.4\/manifests\/install\.yaml/,
      );
      expect(setUp).not.toContain('/stable/');
      expect(calls).toContain('rollout status deployment argocd-server --timeout=300s');
    });

    it('answers over http on node port 30080', async () => {
      const { calls } = await install();
      expect(calls).toContain(
        'patch configmap argocd-cmd-params-cm --type=merge --patch={"data":{"server.insecure":"true"}}',
      );
      expect(calls).toContain(
        '"type":"NodePort","ports":[{"name":"http","port":80,"targetPort":8080,"nodePort":30080}]',
      );
    });

    it('restarts nothing the second time', async () => {
      expect((await install()).calls).toContain('rollout restart');
      shell.remove();
      shell = shellFolder();
      expect((await install({}, 'true')).calls).not.toContain('rollout restart');
    });

    it('labels the Secret of a private repository, and never shows its token', async () => {
      const { calls, stdout, stderr } = await install({ REPOSITORY_TOKEN: 'secret-token' });
      expect(calls).toContain('label --local --filename=- --output=yaml argocd.argoproj.io/secret-type=repository');
      expect(calls).toContain('--from-literal=url=https://github.com/dan8992/ftmo-trading.git');
      expect(readFileSync(path.join(shell.path, 'token'), 'utf8')).toBe('secret-token');
      expect(calls + stdout + stderr).not.toContain('secret-token');
    });

    it('applies the Applications, and says how to read the password where it would end up in a log', async () => {
      const { calls, stdout } = await install();
      expect(calls).toContain('apply --filename=infra/argocd/');
      expect(stdout).toContain('get secret argocd-initial-admin-secret');
      expect(calls).not.toContain('argocd-initial-admin-secret');
    });
  });

  it('check 19: private images can be pulled', () => {
    for (const name of names) {
      const spec = objectNamed(files, 'Deployment', name)['spec'] as { template: { spec: object } };
      expect(spec.template.spec).toMatchObject({ imagePullSecrets: [{ name: 'ghcr-credentials' }] });
    }
    const open = variant((facts) => ({ ...facts, registry: { host: 'ghcr.io' } }));
    expect(JSON.stringify(objectsIn(open))).not.toContain('imagePullSecrets');
  });

  it('check 20: both platforms, and a service may opt out', () => {
    expect(withOf(stepOf(jobs['build'], 'Set up QEMU'))['platforms']).toBe('linux/amd64,linux/arm64');
    const changed = variant((facts) => ({
      ...facts,
      services: facts.services.map((service) =>
        service.name === 'finbert-trading-llm' ? { ...service, platforms: ['linux/amd64'] } : service,
      ),
    }));
    const { jobs: others } = load(fileText(changed, 'repo/.github/workflows/ci-cd.yml')) as Workflow;
    const platforms = new Map(
      others['build']?.strategy?.matrix.include.map(({ service, platforms: of }) => [service, of]),
    );
    expect(platforms.get('finbert-trading-llm')).toBe('linux/amd64');
    expect(platforms.get('signal-monitoring')).toBe('linux/amd64,linux/arm64');
  });

  it.each([
    ['FROM python:3.11-slim\n', 0],
    ['FROM --platform=$BUILDPLATFORM docker.io/library/python:3.11.9-slim-bookworm AS build\nFROM build\n', 0],
    ['FROM python:3.11\n', 1],
    ['FROM nvidia/cuda:12.0.0-base\n', 1],
    ['# nothing\n', 1],
  ])('check 21: base images, for %j', async (dockerfile, code) => {
    writeFileSync(path.join(shell.path, 'Dockerfile'), dockerfile);
    const checked = await shell.sh(fileText(files, 'repo/.github/scripts/base-images.sh'), ['Dockerfile'], {}, 'bash');
    expect(checked.code).toBe(code);
    expect(runStepOf(jobs['security'], 'Check the base images').run).toContain('services/*/Dockerfile');
  });

  it('check 22: ten revisions are kept, and the guide goes back in ways that self-heal does not undo', () => {
    for (const name of names) {
      expect(objectNamed(files, 'Deployment', name)['spec']).toMatchObject({ revisionHistoryLimit: 10 });
    }
    const rollback = guide.slice(guide.indexOf('## Rollback Procedures'), guide.indexOf('## Troubleshooting'));
    expect(rollback.indexOf('--sync-policy none')).toBeGreaterThan(0);
    expect(rollback.indexOf('--sync-policy none')).toBeLessThan(rollback.indexOf('argocd app rollback'));
    expect(rollback).toContain('./scripts/roll-back.sh');
    expect(guide).not.toMatch(/^kubectl rollout undo/m);
  });

  it('check 23: the guide has every heading of the requirements', () => {
    const headings = guide.split('\n').filter((line) => /^#+ /.test(line));
    expect(headings).toEqual([
      '# CI/CD Pipeline for FTMO Trading System',
      '## Overview',
      '## Architecture',
      '## Pipeline Stages',
      '### 1. Code Quality & Testing',
      '### 2. Container Image Build',
      '### 3. GitOps Manifest Update',
      '### 4. ArgoCD Deployment',
      '## Services Configuration',
      '### Container Resources',
      '### Environment Variables',
      '## Setup Instructions',
      '### 1. Install ArgoCD on k3s',
      '### 2. Configure Secrets',
      '### 3. Deploy Applications',
      '## Workflow Triggers',
      '### Continuous Integration (CI)',
      '### Continuous Deployment (CD)',
      '## Monitoring & Observability',
      '### ArgoCD Dashboard',
      '### Application Health',
      '## Security',
      '### Container Security',
      '### Secrets Management',
      '## Rollback Procedures',
      '### Quick Rollback via ArgoCD',
      '### Manual Rollback',
      '## Troubleshooting',
      '### Common Issues',
      '### Debugging Commands',
      '## Performance Optimization',
      '### Resource Tuning',
      '### Image Optimization',
      '## Future Enhancements',
    ]);
  });

  it('check 23: commands in the guide name what is rendered', () => {
    for (const [, file] of guide.matchAll(/\.\/(scripts\/[\w-]+\.sh)/g)) {
      expect(files.map(({ path: name }) => name)).toContain(`repo/${file}`);
    }
    for (const [, name] of guide.matchAll(/deployment\/([\w-]+)|-l app=([\w-]+)/g)) {
      if (name !== undefined) expect(names).toContain(name);
    }
    for (const [, namespace] of guide.matchAll(/ -n ([\w-]+)/g)) expect(['dax-trading', 'argocd']).toContain(namespace);
    for (const [name, ...quantities] of table) expect(guide).toContain(`| ${name} | ${quantities.join(' | ')} |`);
    const secrets = [...guide.matchAll(/create secret \S+ ([\w-]+)/g)].map((match) => match[1]);
    expect(secrets).toEqual(['postgres-secret', 'api-keys-secret', 'ghcr-credentials']);
  });

  it('check 24: nothing of a monitoring system is rendered', () => {
    expect(JSON.stringify(objects)).not.toMatch(/grafana|prometheus/i);
  });

  it('check 25: no job only says that it deploys', () => {
    expect(Object.keys(jobs)).toEqual(['quality', 'test', 'security', 'build', 'manifests']);
    expect(allCommands(workflow)).not.toMatch(/echo "?Deploying/);
  });
});

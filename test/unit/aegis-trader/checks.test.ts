import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Job, Workflow, WorkflowStep } from '../../../constructs/github-actions/index.ts';
import { secretsOf } from '../../../constructs/github-actions/index.ts';
import type { settings } from '../../../systems/aegis-trader/settings.ts';
import {
  allCommands,
  allSteps,
  eventContext,
  pushedReferences,
  runStep,
  runStepOf,
  stepOf,
} from '../../support/github-actions/run.ts';
import { run } from '../../support/processes.ts';
import { context, fileText, objectNamed, objectsIn, renderedFiles, systemNamed } from '../../support/rendered.ts';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

const files = renderedFiles('aegis-trader');
const text = fileText(files, 'repo/.github/workflows/ci-cd.yml');
const workflow = load(text) as Workflow;
const guide = fileText(files, 'repo/docs/ci-cd-guide.md');
const script = (name: string) => fileText(files, `repo/.github/scripts/${name}.sh`);
const { jobs } = workflow;
const sha = '12345e7890abcdef1234567890abcdef12345678';

/** The system with other settings. */
function variant(change: (facts: typeof settings) => unknown) {
  const changed = systemNamed('aegis-trader').render(context, (facts) => change(facts as typeof settings));
  return {
    files: changed,
    workflow: load(fileText(changed, 'repo/.github/workflows/ci-cd.yml')) as Workflow,
  };
}

const pulled = () =>
  variant((facts) => ({ ...facts, delivery: { way: 'pull', branch: 'deploy/staging', argoCd: 'argocd' } }));

const withOf = (step: WorkflowStep) => ('with' in step ? (step.with ?? {}) : {});

function uses(job: Job | undefined, action: string): WorkflowStep {
  const found = job?.steps.find((step) => 'uses' in step && step.uses.startsWith(`${action}@`));
  if (!found) throw new Error(`no step uses ${action}`);
  return found;
}

describe('AegisTrader', () => {
  let shell: ShellFolder;
  beforeEach(() => {
    shell = shellFolder();
  });
  afterEach(() => shell.remove());

  it('check 1: the workflow is there, with name, on and jobs, for readers of YAML 1.1 too', () => {
    expect(Object.keys(parse(text, { version: '1.1' }))).toEqual(expect.arrayContaining(['name', 'on', 'jobs']));
    expect(text).toMatch(/^"on":$/m);
  });

  it('check 2: it runs on pushes to main, pull requests to main and tags v*.*.*', () => {
    expect(workflow.on).toEqual({
      push: { branches: ['main'], tags: ['v*.*.*'] },
      pull_request: { branches: ['main'] },
    });
  });

  it('check 3: versions in the environment are text', () => {
    expect(workflow.env).toEqual({ PYTHON_VERSION: '3.13', NODE_VERSION: '20', REGISTRY: 'ghcr.io' });
    expect(parse(text, { version: '1.1' }).env).toEqual(workflow.env);
    expect(withOf(uses(jobs['test'], 'actions/setup-python'))['python-version']).toBe('${{ env.PYTHON_VERSION }}');
  });

  it('check 4: each job has the rights that it needs and no others', () => {
    expect(workflow.permissions).toEqual({});
    expect(Object.fromEntries(Object.entries(jobs).map(([id, job]) => [id, job.permissions]))).toEqual({
      test: { contents: 'read' },
      build: { contents: 'read', 'security-events': 'write', actions: 'read' },
      push: { contents: 'read', packages: 'write' },
      'deploy-staging': { contents: 'read' },
      verify: { contents: 'read' },
    });
  });

  it('check 5: test, build, push, deploy-staging and verify follow one another', () => {
    expect(Object.entries(jobs).map(([id, { needs }]) => [id, needs])).toEqual([
      ['test', undefined],
      ['build', ['test']],
      ['push', ['build']],
      ['deploy-staging', ['push']],
      ['verify', ['deploy-staging']],
    ]);
  });

  it('check 6: shared packages are installed before requirements, each after those that it needs', () => {
    const installed = runStepOf(jobs['test'], 'Install shared packages, then requirements, then tools').run;
    expect([...installed.matchAll(/install --(?:editable|requirement) (\S+)/g)].map((match) => match[1])).toEqual([
      'packages/shared-contracts',
      'packages/aegis-sdk',
      'packages/aegis-sdk/requirements.txt',
      'packages/aegis-sdk/requirements-dev.txt',
      'apps/monitor-api/requirements.txt',
      'apps/monitor-api/requirements-dev.txt',
    ]);
  });

  it('check 7: ruff, black, mypy and 80 % coverage block', () => {
    const commands = allCommands({ ...workflow, jobs: { test: jobs['test'] as Job } });
    for (const command of ['ruff check .', 'black --check .', 'mypy --strict packages apps', '--cov-fail-under=80']) {
      expect(commands).toContain(command);
    }
    for (const step of allSteps(workflow)) expect(step).not.toHaveProperty('continue-on-error');
    expect(allCommands(workflow)).not.toMatch(/\|\| (true|echo)|--exit-zero|set \+e/);
    expect(() =>
      variant((facts) => ({ ...facts, python: { ...(facts as { python: object }).python, coverage: 79 } })),
    ).toThrow('at least 80 %');
  });

  it('check 7: critical paths can be held to 100 %', () => {
    const { workflow: strict } = variant((facts) => ({
      ...facts,
      python: { ...(facts as { python: object }).python, criticalPaths: ['packages/*/risk/*'] },
    }));
    expect(runStepOf(strict.jobs['test'], 'Critical paths').run).toBe(
      "coverage report --include='packages/*/risk/*' --fail-under=100\n",
    );
  });

  it('check 8: test reports are kept, also after a failure', () => {
    expect(uses(jobs['test'], 'actions/upload-artifact')).toMatchObject({
      if: 'always()',
      with: { path: 'reports/' },
    });
    expect(allCommands(workflow)).toContain('--junitxml=reports/unit.xml');
    expect(allCommands(workflow)).toContain('--cov-report=xml:reports/coverage.xml');
  });

  it('check 9: tests that need Docker are marked, and run where Docker is', () => {
    expect(runStepOf(jobs['test'], 'Unit tests').run).toContain('pytest -m "not integration"');
    expect(runStepOf(jobs['test'], 'Integration tests, and coverage of both').run).toContain('pytest -m "integration"');
    expect(jobs['test']).toMatchObject({ 'runs-on': 'ubuntu-24.04' });
    expect(jobs['test']).not.toHaveProperty('container');
  });

  it('check 10: both images are built from the root of the repository', () => {
    for (const job of [jobs['build'], jobs['push']]) {
      expect(job?.strategy?.matrix.include).toMatchObject([
        { service: 'monitor-api', dockerfile: 'apps/monitor-api/Dockerfile', context: '.' },
        { service: 'monitor-ui', dockerfile: 'apps/monitor-ui/Dockerfile', context: '.' },
      ]);
    }
  });

  it('check 11: images are pushed for both platforms, with QEMU', () => {
    expect(jobs['push']?.strategy?.matrix.include.map(({ platforms }) => platforms)).toEqual([
      'linux/amd64,linux/arm64',
      'linux/amd64,linux/arm64',
    ]);
    expect(withOf(stepOf(jobs['push'], 'Build and push'))['platforms']).toBe('${{ matrix.platforms }}');
    expect(withOf(uses(jobs['push'], 'docker/setup-qemu-action'))['platforms']).toBe('linux/amd64,linux/arm64');
  });

  it('check 12: image names are lower case, whatever the owner is', () => {
    const { workflow: loud } = variant((facts) => ({ ...facts, github: { ...facts.github, owner: 'RyanFlavor' } }));
    expect(loud.jobs['push']?.strategy?.matrix.include.map(({ repository }) => repository)).toEqual([
      'ghcr.io/ryanflavor/aegis-trader/monitor-api',
      'ghcr.io/ryanflavor/aegis-trader/monitor-ui',
    ]);
  });

  it.each([
    ['a push to main', eventContext({ push: 'main', sha }), ['12345e7', 'latest'], '12345e7'],
    ['pull request 12', eventContext({ pullRequest: 12, sha }), ['pr-12-12345e7'], ''],
    ['the tag v1.2.3', eventContext({ tag: 'v1.2.3', sha }), ['1.2.3', '1.2'], '1.2.3'],
    ['the tag v2.0.0-rc1', eventContext({ tag: 'v2.0.0-rc1', sha }), ['2.0.0-rc1'], '2.0.0-rc1'],
  ])('check 13: the tags of %s', async (_name, event, tags, deploy) => {
    const repository = 'ghcr.io/ryanflavor/aegis-trader/monitor-api';
    const pushed = await pushedReferences(jobs['push'], { repository }, event, shell.path);
    expect(pushed).toEqual({ references: tags.map((tag) => `${repository}:${tag}`), deploy });
    expect(runStepOf(jobs['build'], 'tags')).toEqual(runStepOf(jobs['push'], 'tags'));
  });

  it('check 14: builds have a cache, one for each service', () => {
    expect(withOf(stepOf(jobs['build'], 'Build for the scan'))).toMatchObject({
      'cache-from': 'type=gha,scope=${{ matrix.service }}-scan',
      'cache-to': 'type=gha,mode=max,scope=${{ matrix.service }}-scan',
    });
    expect(withOf(stepOf(jobs['push'], 'Build and push'))).toMatchObject({
      'cache-from': 'type=gha,scope=${{ matrix.service }}-scan\ntype=gha,scope=${{ matrix.service }}',
    });
  });

  it('check 15: only pushes to main and tags push images', () => {
    expect(jobs['push']?.if).toBe(
      "github.event_name == 'push' && (github.ref == 'refs/heads/main' || github.ref_type == 'tag')",
    );
    const pushing = Object.entries(jobs).filter(([, job]) =>
      job.steps.some((step) => withOf(step)['push'] === true || ('uses' in step && step.uses.includes('login-action'))),
    );
    expect(pushing.map(([id]) => id)).toEqual(['push']);
  });

  it('check 16: what is scanned was built into the runner before, and nothing is pushed before the scan', () => {
    const build = jobs['build'] as Job;
    const order = build.steps.map((step) => step.name);
    expect(order.indexOf('Build for the scan')).toBeLessThan(order.indexOf('Scan the image'));
    const built = withOf(stepOf(build, 'Build for the scan'));
    const scanned = runStepOf(build, 'Scan the image').env;
    expect(built).toMatchObject({ load: true, push: false, platforms: 'linux/amd64' });
    expect(String(built['tags']).split('\n')).toContain(scanned?.['IMAGE']);
    expect(scanned).toMatchObject({ SEVERITY: 'HIGH,CRITICAL' });
    expect(scanned?.['TRIVY_IMAGE']).toMatch(/:0\.69\.3@sha256:[0-9a-f]{64}$/);
    expect(uses(build, 'github/codeql-action/upload-sarif').if).toContain("hashFiles('reports/*.sarif') != ''");
    expect(text).not.toContain('trivy-action');
  });

  it('check 17: a proxy of npm reaches the builds, if there is one', () => {
    expect(withOf(stepOf(jobs['push'], 'Build and push'))['build-args']).toContain('NPM_PROXY=${{ vars.NPM_PROXY }}');
  });

  it('check 18: kubectl and Helm are installed, in fixed versions from 1.28 and 3 on', () => {
    const kubectl = String(withOf(uses(jobs['deploy-staging'], 'azure/setup-kubectl'))['version']);
    const helm = String(withOf(uses(jobs['deploy-staging'], 'azure/setup-helm'))['version']);
    expect(Number(/^v1\.(\d+)\.\d+$/.exec(kubectl)?.[1])).toBeGreaterThanOrEqual(28);
    expect(helm).toMatch(/^v3\.\d+\.\d+$/);
  });

  describe('check 19: the kubeconfig', () => {
    const connect = (value: string | undefined) => {
      writeFileSync(path.join(shell.path, 'env'), '');
      return shell.sh(
        script('connect'),
        [],
        {
          RUNNER_TEMP: shell.path,
          GITHUB_ENV: path.join(shell.path, 'env'),
          ...(value === undefined ? {} : { KUBE_CONFIG: value }),
        },
        'bash',
      );
    };

    it('comes from the secret, never through the text of a command', () => {
      expect(runStepOf(jobs['deploy-staging'], 'Connect to the cluster').env).toEqual({
        KUBE_CONFIG: '${{ secrets.KUBE_CONFIG }}',
      });
      expect(allCommands(workflow)).not.toContain('secrets.');
    });

    it('is for its owner only, and reaches the steps that follow', async () => {
      shell.standIn('kubectl', 'test -s "$KUBECONFIG"');
      const finished = await connect(Buffer.from('kind: Config\n').toString('base64'));
      expect(finished).toMatchObject({ code: 0 });
      const file = path.join(shell.path, 'kubeconfig');
      expect(readFileSync(file, 'utf8')).toBe('kind: Config\n');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(path.join(shell.path, 'env'), 'utf8')).toBe(`KUBECONFIG=${file}\n`);
    });

    it.each([
      ['is not set', undefined, 'the secret KUBE_CONFIG is not set'],
      ['is no base64', '%%%', 'KUBE_CONFIG is not base64'],
    ])('says that the secret %s', async (_name, value, message) => {
      shell.standIn('kubectl', 'exit 0');
      const { code, stderr } = await connect(value);
      expect(code).toBe(1);
      expect(stderr).toContain(message);
    });

    it('says that the cluster cannot be reached, and what to do', async () => {
      shell.standIn('kubectl', 'exit 1');
      const { code, stderr } = await connect('a2luZDogQ29uZmlnCg==');
      expect(code).toBe(1);
      expect(stderr).toContain("or the way 'pull'");
    });
  });

  /** Runs the deploy script with stand-ins that record their arguments. */
  async function deploy(options: { tag?: string; template?: string; history?: string; namespace?: boolean } = {}) {
    const tag = options.tag ?? '12345e7';
    const template = options.template ?? `image: "ghcr.io/x/monitor-api:${tag}"\nimage: ghcr.io/x/monitor-ui:${tag}`;
    shell.standIn(
      'helm',
      `echo "helm $*" >> calls\ncase $1 in template) printf '%s\\n' '${template}' ;; history) echo '${options.history ?? '[]'}' ;; esac`,
    );
    shell.standIn(
      'kubectl',
      `echo "kubectl $*" >> calls\ncase "$1 $2" in "get namespace") ${options.namespace === false ? 'exit 1' : 'exit 0'} ;; apply*) cat > /dev/null ;; esac`,
    );
    writeFileSync(path.join(shell.path, 'values.staging.yaml'), '');
    const output = path.join(shell.path, 'output');
    writeFileSync(output, '');
    const finished = await shell.sh(
      script('deploy'),
      [],
      {
        RELEASE: 'aegis-staging',
        NAMESPACE: 'aegis-staging',
        VALUES_FILE: 'values.staging.yaml',
        IMAGE_TAG: tag,
        IMAGES: 'monitor-api=ghcr.io/x/monitor-api\nmonitor-ui=ghcr.io/x/monitor-ui',
        GITHUB_OUTPUT: output,
      },
      'bash',
    );
    const calls = path.join(shell.path, 'calls');
    return {
      ...finished,
      calls: existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [],
      output: readFileSync(output, 'utf8'),
    };
  }

  it('check 20: the namespace is made if it is not there', async () => {
    const { code, calls } = await deploy({ namespace: false });
    expect(code).toBe(0);
    expect(calls).toContain('kubectl create namespace aegis-staging --dry-run=client --output=yaml');
    expect(calls).toContain('kubectl apply --filename=-');
    expect((await deploy()).calls.slice(calls.length)).not.toContain('kubectl apply --filename=-');
  });

  it('check 21: the account of the pipeline reaches its own namespace only', () => {
    const binding = objectNamed(files, 'RoleBinding', 'ci-deployer', 'aegis-staging');
    expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'ci-deployer', namespace: 'aegis-staging' }]);
    expect(binding['roleRef']).toMatchObject({ kind: 'Role', name: 'ci-deployer' });
    const role = objectNamed(files, 'Role', 'ci-deployer', 'aegis-staging');
    expect(JSON.stringify(role['rules'])).not.toMatch(/"\*"|rolebindings|networkpolicies|impersonate/);
    expect(objectsIn(files).filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
  });

  it('check 21: the kubeconfig is made for that account, into a file for its owner only', async () => {
    shell.standIn(
      'kubectl',
      'case "$*" in *certificate-authority-data*) echo Y2E= ;; *server*) echo https://c:6443 ;; *"create token"*) echo secret-token ;; esac',
    );
    const made = await shell.sh(
      fileText(files, 'repo/scripts/generate-kubeconfig.sh'),
      ['aegis-staging', 'ci-deployer', 'out'],
      {},
      'bash',
    );
    expect(made.code).toBe(0);
    expect(`${made.stdout}${made.stderr}`).not.toContain('secret-token');
    const file = path.join(shell.path, 'out');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const config = load(Buffer.from(readFileSync(file, 'utf8'), 'base64').toString()) as Record<string, unknown>;
    expect(config).toMatchObject({
      clusters: [{ cluster: { server: 'https://c:6443', 'certificate-authority-data': 'Y2E=' } }],
      users: [{ name: 'ci-deployer', user: { token: 'secret-token' } }],
      contexts: [{ context: { namespace: 'aegis-staging', user: 'ci-deployer' } }],
    });
  });

  it('check 22: the file that the script writes is the file that Helm gets, with reduced resources', async () => {
    const generated = await shell.sh(fileText(files, 'repo/helm/generate-helm-values.sh'), ['staging'], {}, 'bash');
    const name = generated.stdout.trim();
    expect(generated.code).toBe(0);
    expect(runStepOf(jobs['deploy-staging'], 'Generate the values').run).toBe('bash generate-helm-values.sh staging\n');
    expect(runStepOf(jobs['deploy-staging'], 'deploy').env).toEqual({ VALUES_FILE: name });
    const values = load(readFileSync(path.join(shell.path, name), 'utf8')) as Record<string, Record<string, unknown>>;
    expect(values['monitor-api']).toMatchObject({
      service: { port: 8100 },
      env: { NATS_URL: 'nats://aegis-staging-nats:4222' },
      resources: { requests: { cpu: '100m', memory: '256Mi' } },
    });
    expect(values['monitor-ui']).toMatchObject({ service: { port: 3100 } });
    expect(JSON.stringify(values)).not.toContain('"image"');
  });

  it('check 22: variables of .deploy.env win, and another environment is refused', async () => {
    writeFileSync(path.join(shell.path, '.deploy.env'), 'API_PORT=9100\n');
    const generator = fileText(files, 'repo/helm/generate-helm-values.sh');
    const inChart = `mkdir -p helm && cd helm\n${generator.replace('#!/usr/bin/env bash', '')}`;
    const { code } = await shell.sh(inChart, ['staging'], {}, 'bash');
    expect(code).toBe(0);
    expect(readFileSync(path.join(shell.path, 'helm/values.staging.yaml'), 'utf8')).toContain('port: 9100');
    expect(await shell.sh(generator, ['production'], {}, 'bash')).toMatchObject({ code: 2 });
  });

  it('check 23: Helm installs or upgrades, waits and goes back by itself', async () => {
    const { calls } = await deploy();
    expect(calls.at(-1)).toMatch(
      /^helm upgrade --install aegis-staging \. --namespace aegis-staging --values values\.staging\.yaml --timeout 10m --wait --atomic /,
    );
    expect(runStepOf(jobs['deploy-staging'], 'deploy')['working-directory']).toBe('helm');
  });

  it('check 24: what is deployed is the tag that was pushed, as text, through a value that the chart reads', async () => {
    const { calls } = await deploy();
    for (const service of ['monitor-api', 'monitor-ui']) {
      expect(calls.at(-1)).toContain(`--set-string ${service}.image.tag=12345e7`);
      expect(calls.at(-1)).toContain(`--set-string ${service}.image.repository=ghcr.io/x/${service}`);
    }
    expect(calls.at(-1)).not.toContain('--set ');
    expect(jobs['push']?.outputs).toEqual({ tag: '${{ steps.tags.outputs.deploy }}' });
    expect(jobs['deploy-staging']?.env?.['IMAGE_TAG']).toBe('${{ needs.push.outputs.tag }}');
    expect(jobs['deploy-staging']?.env?.['IMAGES']?.split('\n').map((line) => line.split('=')[1])).toEqual(
      jobs['push']?.strategy?.matrix.include.map(({ repository }) => repository),
    );
  });

  it('check 24: a chart that does not read the tag stops the deployment before it begins', async () => {
    const { code, stderr, calls } = await deploy({
      template: 'image: "ghcr.io/x/monitor-api:latest"\nimage: ghcr.io/x/monitor-ui:12345e7',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('the chart does not use monitor-api.image.tag');
    expect(calls.some((call) => call.startsWith('helm upgrade'))).toBe(false);
  });

  it('check 24: without a pushed tag nothing is deployed', async () => {
    expect(await deploy({ tag: '' })).toMatchObject({ code: 1, calls: [] });
  });

  it('check 25: both jobs that touch staging belong to its environment', () => {
    expect([jobs['deploy-staging']?.environment, jobs['verify']?.environment]).toEqual(['staging', 'staging']);
  });

  /** Runs the verification against a cluster of stand-ins. */
  async function verify(change: { running?: string; nats?: number; addresses?: string; curl?: number } = {}) {
    const running = change.running ?? 'ghcr.io/x/monitor-api:12345e7\nghcr.io/x/monitor-ui:12345e7';
    shell.standIn(
      'kubectl',
      `echo "$*" >> calls
case "$*" in
*"get pods --output"*) printf '%s\\n' '${running}' ;;
*exec*) exit ${change.nats ?? 0} ;;
*"get endpoints"*) echo '${change.addresses ?? '10.0.0.1'}' ;;
*port-forward*) exec sleep 20 ;;
esac`,
    );
    // As the real one would, it finds nobody until the port is forwarded.
    shell.standIn(
      'curl',
      `for url in "$@"; do :; done
port=\${url#http://127.0.0.1:}
until grep -q "port-forward .* \${port%%/*}:" calls; do sleep 0.1; done
echo "curl $*" >> calls
exit ${change.curl ?? 0}`,
    );
    const finished = await shell.sh(
      script('verify'),
      [],
      {
        RELEASE: 'aegis-staging',
        NAMESPACE: 'aegis-staging',
        IMAGE_TAG: '12345e7',
        IMAGES: 'monitor-api=ghcr.io/x/monitor-api\nmonitor-ui=ghcr.io/x/monitor-ui',
        PROBES: runStepOf(jobs['verify'], 'Verify').env?.['PROBES'] ?? '',
      },
      'bash',
    );
    return { ...finished, calls: readFileSync(path.join(shell.path, 'calls'), 'utf8') };
  }

  it('check 26: the verification waits for every deployment, and asks NATS without a terminal, by the name of the release', async () => {
    const { code, calls } = await verify();
    expect(code).toBe(0);
    expect(calls).toContain('wait --for=condition=available --timeout=300s deployment --all');
    expect(calls).toContain(
      'exec deployment/aegis-staging-nats-box -- nats --server nats://aegis-staging-nats:4222 server check connection',
    );
    expect(script('verify')).not.toMatch(/exec +-\w*[it]|--tty|--stdin/);
  });

  it.each([
    ['another tag runs', { running: 'ghcr.io/x/monitor-api:latest' }, 'monitor-api:12345e7 does not run'],
    ['NATS does not answer', { nats: 1 }, ''],
    ['a service has no ready pod', { addresses: '' }, 'has no ready pod'],
    ['a service does not answer', { curl: 22 }, 'does not answer'],
  ])('check 26: the verification fails if %s', async (_name, change, message) => {
    const { code, stderr } = await verify(change);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });

  it('check 27: the services are asked through the API server, on their own ports', async () => {
    const { calls } = await verify();
    expect(calls).toContain('port-forward service/aegis-staging-monitor-api 18001:8100');
    expect(calls).toContain('port-forward service/aegis-staging-monitor-ui 18002:3100');
    expect(calls).toMatch(/curl .*http:\/\/127\.0\.0\.1:18001\/health/);
    expect(script('verify')).not.toContain('loadBalancer');
  });

  describe('check 28: after a failure', () => {
    const rollBack = async (good: string, history: string) => {
      shell.standIn('kubectl', 'echo "kubectl $*" >> calls');
      shell.standIn('helm', `echo "helm $*" >> calls\n[ "$1" != history ] || echo '${history}'`);
      await shell.sh(
        script('roll-back'),
        [],
        { RELEASE: 'aegis-staging', NAMESPACE: 'aegis-staging', GOOD_REVISION: good },
        'bash',
      );
      return readFileSync(path.join(shell.path, 'calls'), 'utf8');
    };

    it.each(['deploy-staging', 'verify'])('%s shows what went wrong, goes back, and stays failed', (id) => {
      const step = stepOf(jobs[id], 'Show what went wrong and go back');
      expect(step.if).toBe("failure() && env.KUBECONFIG != ''");
      expect(step).not.toHaveProperty('continue-on-error');
      expect(jobs[id]).not.toHaveProperty('continue-on-error');
    });

    it('shows pods and logs, and goes back to the revision from before', async () => {
      const calls = await rollBack('3', '[{"revision":4,"status":"deployed"}]');
      expect(calls).toContain('describe pods');
      expect(calls).toContain('logs --selector app.kubernetes.io/instance=aegis-staging');
      expect(calls).toContain('helm rollback aegis-staging 3 --namespace aegis-staging');
    });

    it('does not go back if nothing was there before, or if Helm has gone back already', async () => {
      expect(await rollBack('0', '[{"revision":1,"status":"deployed"}]')).not.toContain('helm rollback');
      expect(await rollBack('3', '[{"revision":3,"status":"deployed"}]')).not.toContain('helm rollback');
    });

    it('knows the revision from before, because the deployment noted it', async () => {
      const history = '[{"revision":1,"status":"superseded"},{"revision":2,"status":"deployed"}]';
      expect((await deploy({ history })).output).toBe('revision=2\n');
      expect(jobs['deploy-staging']?.outputs?.['revision']).toBe('${{ steps.deploy.outputs.revision }}');
    });
  });

  it('check 29: no two deployments at once, and none is cancelled', () => {
    expect(jobs['deploy-staging']?.concurrency).toEqual({ group: 'deploy-staging', 'cancel-in-progress': false });
    expect(workflow.concurrency).toEqual({
      group: '${{ github.workflow }}-${{ github.ref }}',
      'cancel-in-progress': "${{ github.event_name == 'pull_request' }}",
    });
  });

  it('check 30: the guide lists exactly the secrets that the workflow uses', () => {
    const listed = (document: string) =>
      [...document.matchAll(/^\| `([A-Z_]+)` \| [^|]+ \| [^|]+ \|$/gm)].map((m) => m[1]);
    expect(listed(guide)).toEqual(secretsOf(workflow));
    expect(secretsOf(workflow)).toEqual(['GITHUB_TOKEN', 'KUBE_CONFIG']);
    const own = variant((facts) => ({ ...facts, registry: { ...facts.registry, login: 'secrets' } }));
    expect(secretsOf(own.workflow)).toEqual(['KUBE_CONFIG', 'REGISTRY_PASSWORD', 'REGISTRY_USERNAME']);
    expect(listed(fileText(own.files, 'repo/docs/ci-cd-guide.md'))).toEqual(secretsOf(own.workflow));
  });

  it('check 31: the guide has the headings that are asked for', () => {
    const headings = guide.split('\n').filter((line) => line.startsWith('## '));
    expect(headings).toEqual([
      '## Pipeline Architecture',
      '## Environment Variables and Secrets',
      '## Troubleshooting Guide',
      '## Manual Deployment Override Procedures',
    ]);
  });

  it('check 31: every path, job and object in the guide is one that is rendered', () => {
    for (const name of guide.matchAll(/`((?:scripts|helm|\.github)\/[\w./-]+)`/g)) {
      expect(files.map((file) => file.path)).toContain(`repo/${name[1]}`);
    }
    expect(guide).toContain('scripts/generate-kubeconfig.sh aegis-staging ci-deployer');
    for (const id of Object.keys(jobs)) expect(guide).toContain(`\`${id}\``);
  });

  it('check 32: the validation test that is rendered passes on what is rendered', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'aegis-'));
    try {
      writeRepository(folder);
      const result = await validate(folder);
      expect(result.stdout + result.stderr).toMatch(/7 passed/);
      expect(result.code).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('check 33: where runners cannot reach the cluster, a branch carries the tag and Argo CD follows it', () => {
    const { workflow: pull, files: pullFiles } = pulled();
    expect(Object.keys(pull.jobs)).toEqual(['test', 'build', 'push', 'deploy-staging']);
    expect(secretsOf(pull)).toEqual(['GITHUB_TOKEN']);
    expect(pull.jobs['deploy-staging']).toMatchObject({ needs: ['push'], permissions: { contents: 'write' } });
    expect(pull.on.push?.branches).not.toContain('deploy/staging');
    expect(runStepOf(pull.jobs['deploy-staging'], 'Fill in the tag').env?.['IMAGE_TAG']).toBe(
      '${{ needs.push.outputs.tag }}',
    );
    const application = objectNamed(pullFiles, 'Application', 'aegis-staging');
    expect(application['spec']).toMatchObject({
      sources: [
        {
          path: 'helm',
          helm: {
            valueFiles: ['$deployed/helm-values/values.staging.yaml', '$deployed/helm-values/values.images.yaml'],
          },
        },
        { targetRevision: 'deploy/staging', ref: 'deployed' },
      ],
    });
    expect(load(fileText(pullFiles, 'repo/helm-values/values.images.yaml'))).toMatchObject({
      'monitor-api': { image: { tag: 'set-by-the-pipeline' } },
    });
    expect(objectsIn(pullFiles).filter(({ kind }) => kind === 'Role')).toEqual([]);
  });

  it('check 33: the branch gets the values of staging and the tag that was pushed, as a text', async () => {
    const { workflow: pull, files: pullFiles } = pulled();
    const job = pull.jobs['deploy-staging'];
    writeRepository(shell.path, pullFiles);
    for (const name of ['Generate the values', 'Fill in the tag']) {
      const done = await runStep(runStepOf(job, name), shell.path, { 'needs.push.outputs.tag': '12345e7' });
      expect(done).toMatchObject({ code: 0 });
    }
    const branch = path.join(shell.path, 'deploy/helm-values');
    expect(readFileSync(path.join(branch, 'values.staging.yaml'), 'utf8')).toContain('environment: staging');
    expect(parse(readFileSync(path.join(branch, 'values.images.yaml'), 'utf8'), { version: '1.1' })).toEqual({
      'monitor-api': { image: { repository: 'ghcr.io/ryanflavor/aegis-trader/monitor-api', tag: '12345e7' } },
      'monitor-ui': { image: { repository: 'ghcr.io/ryanflavor/aegis-trader/monitor-ui', tag: '12345e7' } },
    });
  });

  it('check 33: a runner beside the cluster is a label', () => {
    const { workflow: own } = variant((facts) => ({ ...facts, delivery: { way: 'helm', runner: 'aegis-cluster' } }));
    expect([own.jobs['deploy-staging']?.['runs-on'], own.jobs['verify']?.['runs-on']]).toEqual([
      'aegis-cluster',
      'aegis-cluster',
    ]);
    expect(own.jobs['build']?.['runs-on']).toBe('ubuntu-24.04');
  });

  it('check 33: a branch that would start the pipeline again is refused', () => {
    expect(() =>
      variant((facts) => ({ ...facts, delivery: { way: 'pull', branch: 'main', argoCd: 'argocd' } })),
    ).toThrow('would start the pipeline that made it');
  });

  it('check 34: the guide states the rules for commits and test names', () => {
    expect(guide).toContain('Conventional Commits');
    expect(guide).toContain('test_{functionality}_{expected_behavior}');
  });
});

/** Writes what belongs into the application's repository. */
function writeRepository(folder: string, from = files): void {
  for (const file of from.filter(({ path: name }) => name.startsWith('repo/'))) {
    const target = path.join(folder, file.path.slice('repo/'.length));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, file.content);
  }
}

/** Runs the rendered test with pytest; without it, or without PyYAML, with a few lines of Python that do the same. */
async function validate(folder: string) {
  const module = 'tests/test_ci_cd_workflow.py';
  const there = await run('python3', ['-c', 'import pytest, yaml']);
  if (there.code === 0) {
    return run('python3', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', module], { cwd: folder });
  }
  const plain = [
    'import json, runpy, sys, types',
    'yaml = types.ModuleType("yaml")',
    'yaml.safe_load = lambda text: json.loads(sys.argv[2])',
    'sys.modules["yaml"] = yaml',
    'names = runpy.run_path(sys.argv[1])',
    'tests = [value for name, value in names.items() if name.startswith("test_")]',
    '[test() for test in tests]',
    'print(len(tests), "passed")',
  ].join('\n');
  return run('python3', ['-c', plain, module, JSON.stringify(workflow)], { cwd: folder });
}

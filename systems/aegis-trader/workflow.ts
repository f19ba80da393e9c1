import {
  actions,
  checkout,
  expression,
  type Job,
  keepArtifact,
  script,
  tagOutputs,
  use,
  type Workflow,
} from '../../constructs/github-actions/index.ts';
import { HelmDelivery } from '../../constructs/helm-delivery/index.ts';
import { ImageJobs, type WorkflowScript } from '../../constructs/image-jobs/index.ts';
import { ManifestsBranch } from '../../constructs/manifests-branch/index.ts';
import { imageReference } from '../../model/image.ts';
import { tagPolicy } from '../../model/tag-policy.ts';
import type { Settings } from './settings.ts';
import { valuesCommand, valuesFile } from './values.ts';

/** The workflow and the scripts that it takes from the repository. */
export interface AegisWorkflow {
  readonly workflow: Workflow;
  readonly scripts: readonly WorkflowScript[];
}

/** Path before the services' names: registries refuse capital letters. */
export function imagePrefix({ registry, github }: Settings): string {
  return `${registry.host}/${github.owner}/${registry.path}`.toLowerCase();
}

/** 7 characters of the commit and `latest`, `pr-N-SHA7`, versions of Git tags. */
export function aegisTags({ github }: Settings) {
  return tagPolicy('short-sha', github.branch);
}

/** Folder and file, on the branch of the pull way, with the tags of the images. */
const imagesFolder = 'helm-values';

/** Values with the image tags for the pull way; the tag is a text whatever it looks like. */
export function imagesFile(settings: Settings, tag: string): string {
  return settings.services
    .map(({ name }) => `${name}:\n  image:\n    repository: ${imagePrefix(settings)}/${name}\n    tag: "${tag}"\n`)
    .join('');
}

/** Where the values lie on the branch of the pull way. */
export const pulledValues = [`${imagesFolder}/${valuesFile}`, `${imagesFolder}/values.images.yaml`] as const;

/** The stages of the story: test, build and scan, push, deploy to staging, verify. */
export function aegisWorkflow(settings: Settings): AegisWorkflow {
  const { github, versions, registry, services, platforms } = settings;
  const images = new ImageJobs({
    services: services.map(({ name, dockerfile }) => ({ name, dockerfile, context: '.', platforms })),
    prefix: imagePrefix(settings),
    tagPolicy: aegisTags(settings),
    login: {
      registry: registry.host,
      ...(registry.login === 'secrets'
        ? { secrets: { user: 'REGISTRY_USERNAME', password: 'REGISTRY_PASSWORD' } }
        : {}),
    },
    trivy: imageReference(settings.trivy),
    buildArguments: `NODE_VERSION=${expression('env.NODE_VERSION')}\nNPM_PROXY=${expression('vars.NPM_PROXY')}`,
  });
  const released = `github.event_name == 'push' && (github.ref == 'refs/heads/${github.branch}' || github.ref_type == 'tag')`;
  const delivery = deliver(settings);
  const build: Job = {
    name: `build (${expression('matrix.service')})`,
    needs: ['test'],
    'runs-on': github.runner,
    permissions: { contents: 'read', 'security-events': 'write', actions: 'read' },
    'timeout-minutes': 60,
    strategy: images.strategy,
    steps: [checkout(), images.tags(), ...images.setUp(), ...images.buildAndScan()],
  };
  const push: Job = {
    name: `push (${expression('matrix.service')})`,
    needs: ['build'],
    if: released,
    'runs-on': github.runner,
    permissions: { contents: 'read', packages: 'write' },
    'timeout-minutes': 60,
    // The same for every member of the matrix: it depends on the event alone.
    outputs: { tag: expression(tagOutputs.deploy) },
    strategy: images.strategy,
    steps: [checkout(), images.tags(), ...images.setUp(), ...images.push()],
  };
  return {
    workflow: {
      name: 'CI/CD',
      on: {
        push: { branches: [github.branch], tags: ['v*.*.*'] },
        pull_request: { branches: [github.branch] },
      },
      permissions: {},
      concurrency: {
        group: `${expression('github.workflow')}-${expression('github.ref')}`,
        'cancel-in-progress': expression("github.event_name == 'pull_request'"),
      },
      env: { PYTHON_VERSION: versions.python, NODE_VERSION: versions.node, REGISTRY: registry.host },
      jobs: { test: testJob(settings), build, push, ...delivery.jobs },
    },
    scripts: [...images.scripts, ...delivery.scripts],
  };
}

function testJob(settings: Settings): Job {
  const { python, versions, github } = settings;
  const { packages, requirements, typed, coverage, criticalPaths } = python;
  const report = ['--junitxml=reports', '--cov', '--cov-append'] as const;
  const pytest = (marker: string, name: string, more: string) =>
    `pytest -m "${marker}" ${report[0]}/${name}.xml ${report[1]} ${report[2]} ${more}\n`;
  return {
    'runs-on': github.runner,
    permissions: { contents: 'read' },
    'timeout-minutes': 45,
    steps: [
      checkout(),
      use(actions.setupPython, {
        name: 'Set up Python',
        with: {
          'python-version': expression('env.PYTHON_VERSION'),
          cache: 'pip',
          'cache-dependency-path': requirements.join('\n'),
        },
      }),
      script(
        'Install shared packages, then requirements, then tools',
        [
          ...packages.map((folder) => `python -m pip install --editable ${folder}`),
          ...requirements.map((file) => `python -m pip install --requirement ${file}`),
          `python -m pip install ruff==${versions.ruff} black==${versions.black} mypy==${versions.mypy} pytest==${versions.pytest} pytest-cov==${versions.pytestCov}`,
          '',
        ].join('\n'),
      ),
      script('Lint', 'ruff check .\n'),
      script('Check the format', 'black --check .\n'),
      script('Check the types', `mypy --strict ${typed.join(' ')}\n`),
      script('Unit tests', pytest('not integration', 'unit', '--cov-report=')),
      // testcontainers start NATS in the runner's Docker.
      script(
        'Integration tests, and coverage of both',
        pytest(
          'integration',
          'integration',
          `--cov-report=xml:reports/coverage.xml --cov-report=term --cov-fail-under=${coverage}`,
        ),
      ),
      ...(criticalPaths.length === 0
        ? []
        : [script('Critical paths', `coverage report --include='${criticalPaths.join(',')}' --fail-under=100\n`)]),
      keepArtifact('test-reports', 'reports/'),
    ],
  };
}

function deliver(settings: Settings): {
  readonly jobs: Readonly<Record<string, Job>>;
  readonly scripts: readonly WorkflowScript[];
} {
  const { delivery, staging, services, versions, github } = settings;
  const onMain = `github.event_name == 'push' && github.ref == 'refs/heads/${github.branch}'`;
  if (delivery.way === 'helm') {
    return new HelmDelivery({
      environment: 'staging',
      release: staging.release,
      namespace: staging.namespace,
      chart: staging.chart,
      chartRepositories: staging.chartRepositories,
      valuesCommand,
      valuesFile,
      images: services.map(({ name, port, health }) => ({
        subchart: name,
        repository: `${imagePrefix(settings)}/${name}`,
        probe: { port, path: health },
      })),
      runsOn: delivery.runner,
      pushed: { job: 'push', output: 'tag' },
      if: onMain,
      versions,
    });
  }
  const branch = new ManifestsBranch({
    branch: delivery.branch,
    folders: [imagesFolder],
    tag: 'needs.push.outputs.tag',
    before: [
      script(
        'Generate the values',
        [`(cd ${staging.chart} && ${valuesCommand})`, `mv ${staging.chart}/${valuesFile} ${imagesFolder}/`, ''].join(
          '\n',
        ),
      ),
    ],
    job: { needs: ['push'], if: onMain, 'runs-on': github.runner, environment: 'staging' },
  });
  return { jobs: { 'deploy-staging': branch.job }, scripts: branch.scripts };
}

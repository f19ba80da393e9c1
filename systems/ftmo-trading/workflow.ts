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
import { ImageJobs, scriptsFolder, type WorkflowScript } from '../../constructs/image-jobs/index.ts';
import { ManifestsBranch } from '../../constructs/manifests-branch/index.ts';
import { imageReference } from '../../model/image.ts';
import { tagPolicy } from '../../model/tag-policy.ts';
import baseImagesScript from './base-images.sh';
import { folders } from './manifests.ts';
import type { Settings } from './settings.ts';
import testServiceScript from './test-service.sh';

/** The workflow and the scripts that it takes from the repository. */
export interface FtmoWorkflow {
  readonly workflow: Workflow;
  readonly scripts: readonly WorkflowScript[];
}

/** Path before the services' names: registries refuse capital letters. */
export function imagePrefix({ registry, github }: Settings): string {
  return `${registry.host}/${github.owner}`.toLowerCase();
}

/** `BRANCH-SHA7`, `latest` on the main branch, `pr-N`. */
export function ftmoTags({ github }: Settings) {
  return tagPolicy('branch-sha', github.branch);
}

/** CI on every branch but the one that the pipeline writes; images of every push; manifests of the main branch. */
export function ftmoWorkflow(settings: Settings): FtmoWorkflow {
  const { github, registry, services, images: programs, manifests } = settings;
  const images = new ImageJobs({
    services: services.map(({ name, platforms }) => ({
      name,
      dockerfile: `services/${name}/Dockerfile`,
      context: `services/${name}`,
      platforms,
    })),
    prefix: imagePrefix(settings),
    tagPolicy: ftmoTags(settings),
    login: { registry: registry.host },
    trivy: imageReference(programs.trivy),
  });
  const build: Job = {
    name: `build (${expression('matrix.service')})`,
    needs: ['quality', 'test', 'security'],
    'runs-on': github.runner,
    permissions: { contents: 'read', packages: 'write', 'security-events': 'write', actions: 'read' },
    'timeout-minutes': 90,
    // The same for every member of the matrix: it depends on the event alone.
    outputs: { tag: expression(tagOutputs.deploy) },
    strategy: images.strategy,
    steps: [
      checkout(),
      images.tags(),
      ...images.setUp(),
      ...images.buildAndScan(),
      // Pull requests build and scan, and leave nothing in the registry.
      ...images.push("github.event_name == 'push'"),
    ],
  };
  const branch = new ManifestsBranch({
    branch: manifests.branch,
    folders: [folders.services, folders.base],
    tag: 'needs.build.outputs.tag',
    validate: [validation(settings)],
    job: {
      needs: ['build'],
      if: `github.event_name == 'push' && github.ref == 'refs/heads/${github.branch}'`,
      'runs-on': github.runner,
    },
  });
  return {
    workflow: {
      name: 'CI/CD',
      on: {
        push: { branches: ['**', `!${manifests.branch}`] },
        pull_request: { branches: [github.branch] },
      },
      permissions: {},
      concurrency: {
        group: `${expression('github.workflow')}-${expression('github.ref')}`,
        'cancel-in-progress': expression(`github.ref != 'refs/heads/${github.branch}'`),
      },
      env: { PYTHON_VERSION: settings.versions.python },
      jobs: {
        quality: qualityJob(settings),
        test: testJob(settings),
        security: securityJob(settings),
        build,
        manifests: branch.job,
      },
    },
    scripts: [
      ...images.scripts,
      ...branch.scripts,
      { path: `${scriptsFolder}/test-service.sh`, content: testServiceScript },
      { path: `${scriptsFolder}/base-images.sh`, content: baseImagesScript },
    ],
  };
}

const setUpPython = use(actions.setupPython, {
  name: 'Set up Python',
  with: { 'python-version': expression('env.PYTHON_VERSION') },
});

function qualityJob({ github, versions }: Settings): Job {
  return {
    'runs-on': github.runner,
    permissions: { contents: 'read' },
    'timeout-minutes': 15,
    steps: [
      checkout(),
      setUpPython,
      script(
        'Install the tools',
        `python -m pip install flake8==${versions.flake8} black==${versions.black} isort==${versions.isort}\n`,
      ),
      script('Lint', 'flake8 services\n'),
      script('Check the format', 'black --check services\n'),
      script('Check the order of imports', 'isort --check-only --profile black services\n'),
    ],
  };
}

function testJob({ github, versions, services }: Settings): Job {
  return {
    name: `test (${expression('matrix.service')})`,
    'runs-on': github.runner,
    permissions: { contents: 'read' },
    'timeout-minutes': 45,
    strategy: { 'fail-fast': false, matrix: { include: services.map(({ name }) => ({ service: name })) } },
    steps: [
      checkout(),
      setUpPython,
      script(
        'Install the tools',
        `python -m pip install pytest==${versions.pytest} pytest-cov==${versions.pytestCov}\n`,
      ),
      script('Test', `bash ${scriptsFolder}/test-service.sh "services/$SERVICE"\n`, {
        env: { SERVICE: expression('matrix.service') },
      }),
      keepArtifact(
        `test-reports-${expression('matrix.service')}`,
        `services/${expression('matrix.service')}/reports/`,
        'ignore',
      ),
    ],
  };
}

function securityJob({ github, images }: Settings): Job {
  return {
    'runs-on': github.runner,
    permissions: { contents: 'read' },
    'timeout-minutes': 20,
    steps: [
      checkout(),
      script('Check the base images', `bash ${scriptsFolder}/base-images.sh services/*/Dockerfile\n`),
      script('Scan the repository', `bash ${scriptsFolder}/scan.sh fs . repository\n`, {
        env: { TRIVY_IMAGE: imageReference(images.trivy), SEVERITY: 'HIGH,CRITICAL' },
      }),
      keepArtifact('scan-of-the-repository', 'reports/'),
    ],
  };
}

/** kubeval, which the requirements name, is archived; kubeconform is its successor. */
function validation({ images, versions }: Settings) {
  return script(
    'Validate the manifests',
    `docker run --rm --volume "$PWD/deploy:/deploy:ro" "$KUBECONFORM_IMAGE" -strict -summary -kubernetes-version ${versions.kubernetes} /deploy\n`,
    { env: { KUBECONFORM_IMAGE: imageReference(images.kubeconform) } },
  );
}

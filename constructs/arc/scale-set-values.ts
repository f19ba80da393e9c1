import { type Image, imageReference } from '../../model/image.ts';
import { chartResources, type HelmValues } from '../helm-release/index.ts';
import type { Resources } from '../workload/index.ts';
import { arcControllerAccount } from './names.ts';
import { runnerSecretName } from './secret.ts';

export interface RunnerScaleSetValuesProps {
  /** Repository (or organisation) whose jobs are taken, `https://github.com/OWNER/NAME`. 001 R4.1 */
  readonly repository: string;
  /** What jobs write in `runs-on`. 001 R4.2 */
  readonly label: string;
  /** Namespace of the controller. */
  readonly controllerNamespace: string;
  /** Image of the runner. */
  readonly runner: Image;
  /** Image of the Docker daemon beside it, `docker:VERSION-dind`. */
  readonly docker: Image;
  /** ServiceAccount of the pods, in their namespace. */
  readonly serviceAccount: string;
  /** Runners that wait for jobs. @default 0 */
  readonly minimum?: number;
  /** Runners at a time. @default 4 */
  readonly maximum?: number;
  /** Claim whose volume keeps caches of tools and packages, and nothing else. @default - nothing outlives a job */
  readonly cacheClaim?: string;
  /** Mirror of Docker Hub that the daemon asks first, `https://...`. @default - none */
  readonly registryMirror?: string;
  /** What the runner asks for. @default 250m CPU, 512Mi memory, at most 4Gi */
  readonly runnerResources?: Resources;
  /** What the Docker daemon asks for; steps with an image and image builds run in it. @default 500m CPU, 1Gi, at most 6Gi */
  readonly dockerResources?: Resources;
}

/** The user of the runner's image; the directory of the caches belongs to it. */
export const runnerUid = 1001;

/** Group that may use the daemon's socket, in the runner's image. */
const dockerGroup = '123';

const work = { name: 'work', mountPath: '/home/runner/_work' };
const socket = { name: 'dind-sock', mountPath: '/var/run' };
const externals = { name: 'dind-externals', mountPath: '/home/runner/externals' };
const cacheFolder = '/opt/hostedtoolcache';

/**
 * Values of the official chart gha-runner-scale-set, checked against 0.14.2: one fresh pod for each job, gone when the job is
 * over (001 R4.3, R4.4).
 *
 * Containers are made by a Docker daemon in the same pod (container mode "dind"). The pod is written out as the chart's own
 * documentation has it, because the chart's short form takes an image without a fixed version and no resources.
 */
export function runnerScaleSetValues(props: RunnerScaleSetValuesProps): HelmValues {
  const minimum = props.minimum ?? 0;
  const maximum = props.maximum ?? 4;
  if (maximum < 1 || minimum > maximum) {
    throw new Error(
      `scale set ${props.label}: ${minimum} to ${maximum} runners; allow at least one, and no more waiting than there may be`,
    );
  }
  return {
    githubConfigUrl: props.repository,
    githubConfigSecret: runnerSecretName,
    runnerScaleSetName: props.label,
    minRunners: minimum,
    maxRunners: maximum,
    controllerServiceAccount: { namespace: props.controllerNamespace, name: arcControllerAccount },
    template: { metadata: { labels: { 'app.kubernetes.io/name': 'runner' } }, spec: podSpec(props) },
  };
}

function podSpec(props: RunnerScaleSetValuesProps): HelmValues {
  const caches = props.cacheClaim === undefined ? [] : [{ name: 'caches', mountPath: cacheFolder }];
  return {
    serviceAccountName: props.serviceAccount,
    enableServiceLinks: false,
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    initContainers: [
      {
        name: 'init-dind-externals',
        image: imageReference(props.runner),
        command: ['cp', '-r', '/home/runner/externals/.', '/home/runner/tmpDir/'],
        resources: chartResources({ cpu: '50m', memory: '64Mi', memoryLimit: '256Mi' }),
        securityContext: restricted(),
        volumeMounts: [{ name: externals.name, mountPath: '/home/runner/tmpDir' }],
      },
      {
        // Runs beside the runner, and ends after it.
        name: 'dind',
        restartPolicy: 'Always',
        image: imageReference(props.docker),
        args: [
          'dockerd',
          '--host=unix:///var/run/docker.sock',
          '--group=$(DOCKER_GROUP_GID)',
          ...(props.registryMirror === undefined ? [] : [`--registry-mirror=${props.registryMirror}`]),
        ],
        env: [{ name: 'DOCKER_GROUP_GID', value: dockerGroup }],
        resources: chartResources(props.dockerResources ?? { cpu: '500m', memory: '1Gi', memoryLimit: '6Gi' }),
        securityContext: { privileged: true, runAsUser: 0 },
        startupProbe: { exec: { command: ['docker', 'info'] }, periodSeconds: 5, failureThreshold: 24 },
        volumeMounts: [work, socket, externals],
      },
    ],
    containers: [
      {
        name: 'runner',
        image: imageReference(props.runner),
        command: ['/home/runner/run.sh'],
        env: [
          { name: 'DOCKER_HOST', value: 'unix:///var/run/docker.sock' },
          { name: 'RUNNER_WAIT_FOR_DOCKER_IN_SECONDS', value: '120' },
          ...(props.cacheClaim === undefined ? [] : cacheVariables()),
        ],
        resources: chartResources(props.runnerResources ?? { cpu: '250m', memory: '512Mi', memoryLimit: '4Gi' }),
        securityContext: restricted(),
        volumeMounts: [work, socket, ...caches],
      },
    ],
    volumes: [
      ...[work, socket, externals].map(({ name }) => ({ name, emptyDir: {} })),
      ...(props.cacheClaim === undefined
        ? []
        : [{ name: 'caches', persistentVolumeClaim: { claimName: props.cacheClaim } }]),
    ],
  };
}

/** Where set-up actions, pip and npm keep what they downloaded. */
function cacheVariables(): readonly HelmValues[] {
  return [
    { name: 'RUNNER_TOOL_CACHE', value: cacheFolder },
    { name: 'PIP_CACHE_DIR', value: `${cacheFolder}/pip` },
    { name: 'npm_config_cache', value: `${cacheFolder}/npm` },
  ];
}

function restricted(): HelmValues {
  return {
    runAsNonRoot: true,
    runAsUser: runnerUid,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  };
}

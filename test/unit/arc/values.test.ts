import { describe, expect, test } from 'vitest';
import {
  arcControllerAccount,
  arcControllerRelease,
  arcControllerValues,
  runnerScaleSetRelease,
  runnerScaleSetValues,
  runnerSecret,
  runnerSecretName,
} from '../../../constructs/arc/index.ts';

const image = (repository: string, tag: string) => ({ repository, tag });
const props = {
  repository: 'https://github.com/example/app',
  label: 'self-hosted-example',
  controllerNamespace: 'runners',
  runner: image('registry.example/runner', '2.1.0'),
  docker: image('registry.example/docker', '28.0.0-dind'),
  serviceAccount: 'runner',
};

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly securityContext: { readonly privileged?: boolean; readonly allowPrivilegeEscalation?: boolean };
  readonly volumeMounts: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>;
  readonly resources: { readonly limits: object };
}
interface Pod {
  readonly serviceAccountName: string;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: ReadonlyArray<{
    readonly name: string;
    readonly emptyDir?: object;
    readonly persistentVolumeClaim?: object;
  }>;
}
const podOf = (values: ReturnType<typeof runnerScaleSetValues>) =>
  (values['template'] as unknown as { spec: Pod }).spec;

test('both releases come from the official registry, pinned to one version', () => {
  const name = { name: 'arc', namespace: 'runners' };
  expect([arcControllerRelease('0.14.2', name), runnerScaleSetRelease('0.14.2', name)]).toEqual([
    {
      ...name,
      chart: 'oci://ghcr.io/actions/actions-runner-controller-charts/gha-runner-scale-set-controller',
      version: '0.14.2',
    },
    {
      ...name,
      chart: 'oci://ghcr.io/actions/actions-runner-controller-charts/gha-runner-scale-set',
      version: '0.14.2',
    },
  ]);
});

test('the controller watches the namespace of the runners and no other, under the account that the scale set names', () => {
  const values = arcControllerValues({ image: image('registry.example/controller', '0.14.2'), namespace: 'runners' });
  expect(values).toMatchObject({
    flags: { watchSingleNamespace: 'runners' },
    serviceAccount: { create: true, name: arcControllerAccount },
    podSecurityContext: { runAsNonRoot: true },
    securityContext: { allowPrivilegeEscalation: false },
  });
  expect(runnerScaleSetValues(props)).toMatchObject({
    controllerServiceAccount: { namespace: 'runners', name: arcControllerAccount },
  });
});

describe('a scale set', () => {
  test('registers for one repository under its label, with a Secret by name', () => {
    expect(runnerScaleSetValues(props)).toMatchObject({
      githubConfigUrl: 'https://github.com/example/app',
      githubConfigSecret: runnerSecretName,
      runnerScaleSetName: 'self-hosted-example',
      minRunners: 0,
      maxRunners: 4,
    });
    expect(runnerSecret('runners', 'example/app')).toMatchObject({
      namespace: 'runners',
      name: runnerSecretName,
      provenance: 'provided',
    });
  });

  test('keeps nothing after a job, unless it is given a claim for caches', () => {
    const pod = podOf(runnerScaleSetValues(props));
    expect(pod.volumes.length).toBeGreaterThan(0);
    expect(pod.volumes.every((volume) => volume.emptyDir !== undefined)).toBe(true);
    const cached = podOf(runnerScaleSetValues({ ...props, cacheClaim: 'caches' }));
    expect(cached.volumes.filter((volume) => volume.emptyDir === undefined)).toEqual([
      { name: 'caches', persistentVolumeClaim: { claimName: 'caches' } },
    ]);
    const mounts = [...cached.initContainers, ...cached.containers].flatMap((container) => container.volumeMounts);
    const work = mounts.filter((mount) => mount.mountPath.includes('_work')).map((mount) => mount.name);
    expect(new Set(work)).toEqual(new Set(['work']));
  });

  test('only its Docker daemon is privileged, and every container has a fixed image and a memory limit', () => {
    const pod = podOf(runnerScaleSetValues(props));
    const containers = [...pod.initContainers, ...pod.containers];
    expect(containers.map((container) => container.name)).toEqual(['init-dind-externals', 'dind', 'runner']);
    expect(containers.filter((container) => container.securityContext.privileged).map(({ name }) => name)).toEqual([
      'dind',
    ]);
    for (const container of containers) {
      expect(container.image).toMatch(/:(2\.1\.0|28\.0\.0-dind)$/);
      expect(container.resources.limits).toHaveProperty('memory');
    }
    expect(pod.serviceAccountName).toBe('runner');
  });

  test('asks a mirror of Docker Hub first, where there is one', () => {
    const dind = (mirror?: string) =>
      podOf(runnerScaleSetValues({ ...props, registryMirror: mirror })).initContainers[1]?.args ?? [];
    expect(dind('https://mirror.example')).toContain('--registry-mirror=https://mirror.example');
    expect(dind().join(' ')).not.toContain('mirror');
  });

  test('that could never run a job is refused', () => {
    expect(() => runnerScaleSetValues({ ...props, maximum: 0 })).toThrow('allow at least one');
    expect(() => runnerScaleSetValues({ ...props, minimum: 5, maximum: 4 })).toThrow('no more waiting');
  });
});

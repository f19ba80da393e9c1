import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { Namespace } from '../../../constructs/namespaces/index.ts';
import { NfsVolume, ShareDirectories, type ShareDirectoriesProps } from '../../../constructs/storage/index.ts';
import { directoryProblems } from '../../../model/volume/nfs.ts';
import { objectNamed, objectsIn } from '../../support/rendered.ts';

const share = { server: '192.0.2.8', path: '/volume1/pipelines' };

function rendered(build: (output: SystemOutput) => void) {
  const output = new SystemOutput('demo');
  build(output);
  return output.files();
}

describe('a volume', () => {
  const files = rendered((output) => {
    new NfsVolume(output.chart('volume', { namespace: 'ci' }), 'Volume', {
      name: 'demo-pv',
      share,
      directory: 'woodpecker',
      capacity: '20Gi',
      claim: { namespace: 'ci', name: 'data' },
    });
  });
  const volume = objectNamed(files, 'PersistentVolume', 'demo-pv');
  const claim = objectNamed(files, 'PersistentVolumeClaim', 'data', 'ci');

  test('is kept, is never provisioned, and names its claim without a uid', () => {
    expect(volume.metadata.namespace).toBeUndefined();
    expect(volume.spec).toEqual({
      accessModes: ['ReadWriteMany'],
      capacity: { storage: '20Gi' },
      claimRef: { namespace: 'ci', name: 'data' },
      mountOptions: ['hard', 'nfsvers=4.1'],
      nfs: { server: '192.0.2.8', path: '/volume1/pipelines/woodpecker' },
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      volumeMode: 'Filesystem',
    });
  });

  test('is bound by its claim by name, with the same size and access', () => {
    expect(claim.spec).toMatchObject({
      volumeName: 'demo-pv',
      storageClassName: '',
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '20Gi' } },
    });
  });
});

describe('directories', () => {
  const problems = (...directories: string[]) =>
    directoryProblems(new Map(directories.map((directory, index) => [`volumes.${index}`, directory])));

  test('side by side are fine, also when one name begins like another', () => {
    expect(problems('argocd', 'kargo', 'woodpecker', 'woodpecker-2', 'a/b', 'a/c')).toEqual([]);
  });

  test.each([
    [['data', 'data'], 'volumes.1', 'is the same directory as'],
    [['data', 'Data'], 'volumes.1', 'is the same directory as'],
    [['data', 'data/kargo'], 'volumes.1', 'lies inside'],
    [['data/kargo/x', 'data'], 'volumes.1', 'contains'],
    [['/data'], 'volumes.0', 'is no directory below the share'],
    [['a/../b'], 'volumes.0', 'is no directory below the share'],
    [[''], 'volumes.0', 'is no directory below the share'],
  ])('%j are refused with the path', (directories, path, problem) => {
    expect(problems(...directories)).toEqual([
      expect.objectContaining({ path, problem: expect.stringContaining(problem) }),
    ]);
  });

  test('a directory below any other is always found', () => {
    const part = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), fc.array(part, { maxLength: 3 }), (parent, below) => {
        expect(problems(parent.join('/'), [...parent, ...below].join('/'))).toHaveLength(1);
      }),
    );
  });
});

describe('the job of the directories', () => {
  const props: ShareDirectoriesProps = {
    share,
    image: { repository: 'docker.io/library/busybox', tag: '1.37.0' },
    directories: [
      { path: 'argocd', uid: 1000, gid: 1000, mode: '0750' },
      { path: 'woodpecker', uid: 999, gid: 998, mode: '0700' },
    ],
  };
  const build = (change: Partial<ShareDirectoriesProps> = {}) => {
    let job: ShareDirectories | undefined;
    const files = rendered((output) => {
      job = new ShareDirectories(output.chart('job', { namespace: 'storage' }), 'Job', { ...props, ...change });
    });
    const [object] = objectsIn(files).filter((candidate) => candidate.kind === 'Job');
    // biome-ignore lint/suspicious/noExplicitAny: a rendered Job
    return { name: job?.jobName, exceptions: job?.exceptions, pod: (object as any).spec.template.spec, object };
  };

  test('checks each directory as its own user, without privileges', () => {
    const { pod } = build();
    expect(pod.containers.map((container: { command: string[] }) => container.command.slice(2))).toEqual([
      ['/share/argocd', '1000', '1000', '0750'],
      ['/share/woodpecker', '999', '998', '0700'],
    ]);
    expect(pod.containers[1].securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 999,
      runAsGroup: 998,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.initContainers[0].securityContext.capabilities).toEqual({
      drop: ['ALL'],
      add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    });
  });

  test('gets another name when it does something else, and the same otherwise', () => {
    expect(build().name).toBe(build().name);
    expect(build().object?.metadata.name).toBe(build().name);
    expect(build({ share: { ...share, path: '/elsewhere' } }).name).not.toBe(build().name);
    expect(build({ directories: props.directories.slice(1) }).name).not.toBe(build().name);
  });

  test('names its exceptions with a reason', () => {
    expect(build().exceptions?.every((exception) => exception.reason.length > 20)).toBe(true);
    expect(build().exceptions?.length).toBeGreaterThan(0);
  });

  test('refuses a root consumer, a bad mode and overlapping directories, all at once', () => {
    const directories = [
      { path: 'data', uid: 0, gid: 1000, mode: '750' },
      { path: 'data/deeper', uid: 1000, gid: 1000, mode: '0750' },
    ];
    expect(() => build({ directories })).toThrow(/3 problems[\s\S]*lies inside[\s\S]*user id[\s\S]*no mode/);
    expect(() => build({ directories: [] })).toThrow(/there is none/);
  });
});

describe('a namespace', () => {
  const namespace = (props: ConstructorParameters<typeof Namespace>[2]) => {
    let made: Namespace | undefined;
    const files = rendered((output) => {
      made = new Namespace(output.chart('namespace'), 'Namespace', props);
    });
    return { made, object: objectNamed(files, 'Namespace', props.name) };
  };

  test('is restricted unless it says why not', () => {
    const { made, object } = namespace({ name: 'ci' });
    expect(object.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    expect(made?.exceptions).toEqual([]);
    expect(() => namespace({ name: 'ci', podSecurity: 'privileged' })).toThrow(/needs a reason/);
  });

  test('with another level carries the reason, and gives it to the checks', () => {
    const { made, object } = namespace({ name: 'ci', podSecurity: 'privileged', reason: 'image builds need it' });
    expect(object.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'privileged' });
    expect(Object.values(object.metadata.annotations ?? {})).toContain('image builds need it');
    expect(made?.exceptions).toEqual([
      { check: 'pod-security', object: 'Namespace/ci', reason: 'image builds need it' },
    ]);
  });
});

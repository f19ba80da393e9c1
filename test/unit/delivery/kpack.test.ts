import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildRevision, type WantedBuild } from '../../../runtime/delivery/kpack.ts';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { KubernetesStandIn } from '../../support/kubernetes-stand-in.ts';
import { revision } from './facts.ts';

const base = '/apis/kpack.io/v1alpha2/namespaces/ci-payments';
const other = 'b'.repeat(40);
const tag = `harbor.example.com/payments/ledger:${revision}`;
const wanted: WantedBuild = {
  namespace: 'ci-payments',
  image: 'ledger',
  revision,
  tags: [tag],
  appearsWithin: 5,
  endsWithin: 5,
  pause: 5,
};

let cluster: KubernetesStandIn;
let printed: string[];
beforeEach(async () => {
  printed = [];
  cluster = await KubernetesStandIn.start();
  cluster.put(`${base}/images/ledger`, {
    metadata: { name: 'ledger' },
    spec: { source: { git: { url: 'git@x:y', revision: 'main' } } },
  });
});
afterEach(() => cluster.stop());

function build(number: number, of: string, tags: readonly string[], succeeded?: string): void {
  const name = `ledger-build-${number}`;
  cluster.put(`${base}/builds/${name}`, {
    metadata: {
      name,
      namespace: 'ci-payments',
      labels: { 'image.kpack.io/image': 'ledger', 'image.kpack.io/buildNumber': String(number) },
    },
    spec: { tags: ['harbor.example.com/payments/ledger:kpack', ...tags], source: { git: { revision: of } } },
    status: {
      latestImage: `harbor.example.com/payments/ledger@sha256:${number}`,
      podName: `${name}-pod`,
      conditions: [{ type: 'Succeeded', status: succeeded ?? 'Unknown', message: 'compiler says no' }],
      stepsCompleted: [],
    },
  });
}

const image = () =>
  cluster.objects.get(`${base}/images/ledger`) as KubernetesObject & {
    spec: { source: unknown; additionalTags: unknown };
  };
const run = (change: Partial<WantedBuild> = {}) =>
  buildRevision(cluster.client, { ...wanted, ...change }, (line) => printed.push(line));

/** Plays the controller: `act` runs after each write of the program. */
function controller(act: (write: string) => void): void {
  cluster.afterWrite = () => act(cluster.writes.at(-1) ?? '');
}

describe('a build', () => {
  test('sets revision and tags, keeps the address, and waits for the build of exactly this revision', async () => {
    build(1, other, [], 'True');
    controller(() => {
      // A push before this one is still being built, and ends first.
      build(2, other, [], 'True');
      build(3, revision, [tag]);
      setTimeout(() => build(3, revision, [tag], 'True'), 40);
    });
    expect(await run()).toBe('harbor.example.com/payments/ledger@sha256:3');
    expect(image().spec).toMatchObject({
      source: { git: { url: 'git@x:y', revision } },
      additionalTags: [tag],
    });
  });

  test('that fails fails the step, with the reason', async () => {
    controller(() => build(1, revision, [tag], 'False'));
    await expect(run()).rejects.toThrow(/ledger-build-1 of a{40} failed: compiler says no/);
  });

  test('that never appears is given up in time, with what to look at', async () => {
    await expect(run({ appearsWithin: 0.05 })).rejects.toThrow(
      /no build of a{40} within 0.05 s; look at: kubectl -n ci-payments describe image ledger/,
    );
  });

  test('that never ends is given up in time', async () => {
    controller(() => build(1, revision, [tag]));
    await expect(run({ endsWithin: 0.05 })).rejects.toThrow(/has not ended within 0.05 s/);
  });

  test('that is done already is not repeated', async () => {
    build(4, revision, [tag], 'True');
    expect(await run()).toBe('harbor.example.com/payments/ledger@sha256:4');
    expect(cluster.writes).toEqual([]);
  });

  test('of a commit that lacks the version of its Git tag is asked for once more', async () => {
    const version = 'harbor.example.com/payments/ledger:1.2.3';
    build(4, revision, [tag], 'True');
    controller((write) => {
      if (write.endsWith('/builds/ledger-build-4')) build(5, revision, [tag, version], 'True');
    });
    expect(await run({ tags: [version, tag] })).toBe('harbor.example.com/payments/ledger@sha256:5');
    const asked = cluster.objects.get(`${base}/builds/ledger-build-4`)?.metadata.annotations ?? {};
    expect(Object.keys(asked)).toEqual(['image.kpack.io/additionalBuildNeeded']);
  });

  test('that failed before is tried again, and the old failure is not taken for the new result', async () => {
    build(4, revision, [tag], 'False');
    controller((write) => {
      if (write.endsWith('/builds/ledger-build-4')) build(5, revision, [tag], 'True');
    });
    expect(await run()).toBe('harbor.example.com/payments/ledger@sha256:5');
  });

  test('shows the log of the steps that have ended', async () => {
    const path = '/api/v1/namespaces/ci-payments/pods/ledger-build-1-pod/log';
    cluster.put(path, { metadata: {}, text: 'installing' });
    controller(() => {
      build(1, revision, [tag], 'True');
      const made = cluster.objects.get(`${base}/builds/ledger-build-1`) as { status: { stepsCompleted: string[] } };
      made.status.stepsCompleted = ['prepare', 'build'];
    });
    await run();
    const shown = printed.filter((line) => line.includes('installing')).map((line) => line.split(' ')[0]);
    expect(shown).toEqual(['[prepare]', '[build]']);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { WriterLease } from '../../../runtime/recorder/lease.ts';
import { FakeCluster, project } from './fake-cluster.ts';

let cluster: FakeCluster;
let client: KubernetesClient;
let now: number;
beforeEach(async () => {
  cluster = await FakeCluster.start();
  client = KubernetesClient.fromEnvironment({ env: { KUBECONFIG: cluster.kubeconfig } });
  now = 0;
});
afterEach(async () => {
  expect(cluster.unknown).toEqual([]);
  client.close();
  await cluster.stop();
});
const lease = (identity: string) =>
  new WriterLease({ client, namespace: project, name: 'audit-recorder', identity, seconds: 15, clock: () => now });

describe('the lease of the writer', () => {
  it('is held by one at a time', async () => {
    const [a, b] = [lease('a'), lease('b')];
    await a.step();
    await b.step();
    expect([a.held, b.held]).toEqual([true, false]);
    expect(b.reason).toBe('a holds the lease stonks-pipeline/audit-recorder');
    expect(() => b.require()).toThrow('this recorder may not write: a holds the lease');
    expect(() => a.require()).not.toThrow();
  });

  it('ends for its holder before anybody else may take it', async () => {
    const [a, b] = [lease('a'), lease('b')];
    await a.step();
    await b.step();
    now = 12_000;
    expect(a.held).toBe(false);
    await b.step();
    expect(b.held).toBe(false);
    now = 15_000;
    await b.step();
    expect([a.held, b.held]).toEqual([false, true]);
  });

  it('stays with a holder that renews it, for as long as it does', async () => {
    const [a, b] = [lease('a'), lease('b')];
    for (now = 0; now < 120_000; now += 5000) {
      await a.step();
      await b.step();
      expect([a.held, b.held]).toEqual([true, false]);
    }
  });

  it('goes at once to a process of the same name: the container was restarted', async () => {
    await lease('a').step();
    const again = lease('a');
    await again.step();
    expect(again.held).toBe(true);
  });

  it('is free at once when it was given back', async () => {
    const [a, b] = [lease('a'), lease('b')];
    await a.step();
    await a.release();
    expect(a.held).toBe(false);
    await b.step();
    expect(b.held).toBe(true);
  });

  it('stays valid for its time while the API server is away, and not longer', async () => {
    const a = lease('a');
    await a.step();
    const other = lease('b');
    await cluster.stop();
    now = 5000;
    await a.step();
    expect(a.held).toBe(true);
    now = 12_001;
    await a.step();
    expect(a.held).toBe(false);
    expect(a.reason).toMatch(/can't be had/);
    expect(other.held).toBe(false);
    cluster = await FakeCluster.start();
  });

  it('goes to one of many who want it at the same time', async () => {
    const all = Array.from({ length: 8 }, (_, index) => lease(`r${index}`));
    await Promise.all(all.map((one) => one.step()));
    expect(all.filter((one) => one.held)).toHaveLength(1);
  });
});

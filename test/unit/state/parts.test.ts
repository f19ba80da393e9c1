import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { extract, restore, snapshot } from '../../../runtime/state/commands.ts';
import { git } from '../../../runtime/state/git.ts';
import {
  restoredMetadata,
  restoredPromotionStatus,
  restoredStageStatus,
} from '../../../runtime/state/restore/convert.ts';
import { inOrder } from '../../../runtime/state/restore/kargo.ts';
import { GitServer } from '../../support/git-server.ts';
import { sampleState } from './sample.ts';
import { StateWorld } from './world.ts';

let world: StateWorld;
beforeEach(async () => {
  world = await StateWorld.start();
});
afterEach(() => world.stop());

describe('repositories', () => {
  let server: GitServer;
  let url: string;
  const settings = () =>
    world.settings('kargo', {
      repositories: [
        {
          name: 'pipelines',
          url,
          credentials: { usernameFile: join(world.folder, 'username'), passwordFile: join(world.folder, 'password') },
        },
      ],
    });
  const refs = (): Promise<string> =>
    git(['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: join(server.folder, 'pipelines.git') });
  const bringBack = (dryRun = false): Promise<void> =>
    restore(world.context(settings()), { dryRun, ifNeeded: false, only: ['repositories'] });

  beforeEach(async () => {
    server = await GitServer.start();
    url = await server.create('pipelines');
    writeFileSync(join(world.folder, 'username'), server.username);
    writeFileSync(join(world.folder, 'password'), `${server.password}\n`);
    world.populate();
  });
  afterEach(() => server.stop());

  test('are saved with all branches and tags, and come back into an emptied server', async () => {
    await server.commit('pipelines', 'main', 'a', 'one');
    await server.commit('pipelines', 'stage/live', 'values.yaml', "image:\n  tag: '111'\n");
    await git(['tag', 'v1', 'main'], { cwd: join(server.folder, 'pipelines.git') });
    const before = await refs();
    const manifest = await snapshot(world.context(settings()), { acceptLoss: false });
    expect(manifest.counts['references of pipelines']).toBe(3);
    expect(Object.keys(manifest.references.pipelines ?? {})).toEqual([
      'refs/heads/main',
      'refs/heads/stage/live',
      'refs/tags/v1',
    ]);

    await rm(join(server.folder, 'pipelines.git'), { recursive: true });
    await server.create('pipelines');
    await bringBack(true);
    expect(await refs()).toBe('');
    await bringBack();
    expect(await refs()).toBe(before);
  });

  test('an unchanged one is bundled once', async () => {
    await server.commit('pipelines', 'main', 'a', 'one');
    await snapshot(world.context(settings()), { acceptLoss: false });
    await snapshot(world.context(settings()), { acceptLoss: false });
    expect(readdirSync(join(world.volume, 'bundles'))).toHaveLength(1);
    await server.commit('pipelines', 'main', 'b', 'two');
    await snapshot(world.context(settings()), { acceptLoss: false });
    expect(readdirSync(join(world.volume, 'bundles'))).toHaveLength(2);
  });

  test('one that is not empty is never overwritten', async () => {
    await server.commit('pipelines', 'main', 'a', 'one');
    await snapshot(world.context(settings()), { acceptLoss: false });
    await server.commit('pipelines', 'main', 'b', 'newer');
    const before = await refs();
    await bringBack();
    expect(await refs()).toBe(before);
    expect(world.lines.some((line) => line.includes('holds something else; not touched'))).toBe(true);
  });

  test('an empty one is no error, and a wrong password is one without the password in it', async () => {
    const manifest = await snapshot(world.context(settings()), { acceptLoss: false });
    expect(manifest.references).toEqual({ pipelines: {} });
    writeFileSync(join(world.folder, 'password'), 'wr0ng');
    const error = (await snapshot(world.context(settings()), { acceptLoss: false }).catch(
      (caught: unknown) => caught,
    )) as Error;
    expect(error.message).toContain('the server refuses the user or the password');
    expect(error.message).not.toContain('wr0ng');
    expect(readdirSync(join(world.volume, 'snapshots')).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('Argo CD', () => {
  const base = '/apis/argoproj.io/v1alpha1/namespaces/argocd';
  const partOf = { 'app.kubernetes.io/part-of': 'stonks-oracle' };
  const application = (name: string, labels: Record<string, string> = partOf): KubernetesObject => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd', labels, finalizers: ['keep'] },
    spec: { project: 'apps', source: { targetRevision: 'old' } },
    operation: { sync: { revision: 'parked' } },
    status: {
      history: [{ id: 1, revision: 'abc' }],
      operationState: { phase: 'Running', message: 'Sync operation blocked by sync window' },
    },
  });
  const settings = () => world.settings('argocd', { argocd: { namespace: 'argocd', applications: ['stonks-live'] } });

  test('comes back with its history and the specs of Git, without a parked operation', async () => {
    for (const name of ['stonks-live', 'stonks-gone'])
      world.cluster.put(`${base}/applications/${name}`, application(name));
    world.cluster.put(`${base}/applications/own`, application('own', {}));
    await snapshot(world.context(settings()), { acceptLoss: false });
    await world.loseCluster();
    const desired: KubernetesObject = {
      ...application('stonks-live'),
      spec: { project: 'apps', source: { targetRevision: 'new' } },
    };
    delete desired.operation;
    delete desired.status;
    writeFileSync(join(world.folder, 'desired.json'), JSON.stringify([desired]));
    await restore(world.context(settings()), {
      dryRun: false,
      ifNeeded: true,
      only: ['objects'],
      desiredFile: join(world.folder, 'desired.json'),
    });
    const live = world.cluster.objects.get(`${base}/applications/stonks-live`);
    expect(live?.spec).toMatchObject({ source: { targetRevision: 'new' } });
    expect(live?.status).toEqual({ history: [{ id: 1, revision: 'abc' }] });
    expect(live?.operation).toBeUndefined();
    expect(world.cluster.objects.get(`${base}/applications/own`)?.operation).toBeUndefined();
    // Ours, but no longer in Git: it stays away.
    expect(world.cluster.objects.has(`${base}/applications/stonks-gone`)).toBe(false);
    expect(world.lines).toContain('no longer in Git, so not made: Application stonks-gone');
  });

  test('what exists is not touched, and a snapshot without a known Application is not the latest', async () => {
    world.cluster.put(`${base}/applications/stonks-live`, application('stonks-live'));
    await snapshot(world.context(settings()), { acceptLoss: false });
    await restore(world.context(settings()), { dryRun: false, ifNeeded: true, only: ['objects'] });
    expect(world.cluster.writes).toEqual([]);
    world.cluster.objects.clear();
    await expect(snapshot(world.context(settings()), { acceptLoss: false })).rejects.toThrow('Application stonks-live');
  });
});

test('Secrets are saved sealed, and only missing ones are made again', async () => {
  world.populate();
  const secret = (name: string, value: string): void =>
    world.cluster.put(`/api/v1/namespaces/kargo/secrets/${name}`, {
      metadata: { name, namespace: 'kargo', labels: { a: 'b' } },
      type: 'Opaque',
      data: { password: Buffer.from(value).toString('base64') },
    });
  secret('one', 'first-value');
  secret('two', 'second-value');
  const names = ['one', 'two', 'optional'].map((name) => ({ namespace: 'kargo', name }));
  const settings = world.settings('kargo', { secrets: names });
  const manifest = await snapshot(world.context(settings), { acceptLoss: false });
  expect(manifest.counts.secrets).toBe(2);
  expect(world.lines).toContain('not there, so not saved: Secret kargo/optional');
  world.cluster.objects.delete('/api/v1/namespaces/kargo/secrets/one');
  secret('two', 'changed-since');
  await restore(world.context(settings), { dryRun: false, ifNeeded: false, only: ['secrets'] });
  const value = (name: string): string => {
    const data = world.cluster.objects.get(`/api/v1/namespaces/kargo/secrets/${name}`)?.data as Record<string, string>;
    return Buffer.from(data.password ?? '', 'base64').toString();
  };
  expect(value('one')).toBe('first-value');
  expect(value('two')).toBe('changed-since');
  expect(world.lines.join('\n')).not.toMatch(/first-value|second-value/);
});

describe('the Woodpecker database', () => {
  const settings = () =>
    world.settings('woodpecker', { woodpecker: { dumpFolder: join(world.folder, 'backups'), maxAgeHours: 30 } });
  const dump = (name: string, content: string, hoursOld: number): void => {
    const path = join(world.folder, 'backups', name);
    writeFileSync(path, content);
    const time = new Date(world.time.getTime() - hoursOld * 3_600_000);
    utimesSync(path, time, time);
  };
  beforeEach(() => mkdirSync(join(world.folder, 'backups')));

  test('is saved from its newest dump and comes out equal', async () => {
    dump('woodpecker-1.dump', 'PGDMP old', 20);
    dump('woodpecker-2.dump', `PGDMP ${'x'.repeat(300_000)}`, 1);
    dump('.partial-7.dump', 'PGDMP half', 0);
    await snapshot(world.context(settings()), { acceptLoss: false });
    const target = join(world.folder, 'out.dump');
    await extract(world.context(settings()), { name: 'woodpecker', target });
    expect(readFileSync(target, 'utf8')).toBe(readFileSync(join(world.folder, 'backups/woodpecker-2.dump'), 'utf8'));
    await expect(extract(world.context(settings()), { name: 'woodpecker', target })).rejects.toThrow('EEXIST');
    expect(existsSync(target)).toBe(true);
  });

  test('with an old dump or a broken one there is no snapshot', async () => {
    const take = () => snapshot(world.context(settings()), { acceptLoss: false });
    dump('woodpecker-1.dump', 'PGDMP', 40);
    await expect(take()).rejects.toThrow('40 hours old (limit 30)');
    dump('woodpecker-2.sql', '-- PostgreSQL database dump\nCREATE TABLE', 1);
    await expect(take()).rejects.toThrow('no whole dump');
    expect(existsSync(join(world.volume, 'snapshots/latest'))).toBe(false);
  });
});

test('before the first dump of the database there is nothing to save; later its dumps must not vanish', async () => {
  const settings = world.settings('woodpecker', {
    woodpecker: { dumpFolder: join(world.folder, 'none'), maxAgeHours: 30 },
  });
  const take = () => snapshot(world.context(settings), { acceptLoss: false });
  expect((await take()).files).toEqual([]);
  expect((await take()).files).toEqual([]);
  mkdirSync(join(world.folder, 'none'));
  writeFileSync(join(world.folder, 'none/a.dump'), 'PGDMP');
  utimesSync(join(world.folder, 'none/a.dump'), world.time, world.time);
  expect((await take()).files).toHaveLength(1);
  await rm(join(world.folder, 'none/a.dump'));
  await expect(take()).rejects.toThrow('the dumps of the Woodpecker database are gone');
});

describe('what comes back', () => {
  const sample = sampleState({ freights: 4, promotions: 40 });
  const promotions = new Map(sample.promotions.map((promotion) => [promotion.metadata.name ?? '', promotion]));
  const phase = (promotion: KubernetesObject): string => (promotion.status as { phase: string }).phase;

  test('a promotion that had ended keeps its status; one under way becomes Aborted, twice the same', () => {
    for (const promotion of sample.promotions) {
      const status = restoredPromotionStatus(promotion, '20261005T120000000Z', '2026-10-06T00:00:00Z') as {
        phase: string;
      };
      if (['Running', 'Pending'].includes(phase(promotion))) {
        expect(status).toMatchObject({
          phase: 'Aborted',
          finishedAt: '2026-10-06T00:00:00Z',
          message: expect.stringContaining(phase(promotion)),
        });
        const again = restoredPromotionStatus(promotion, '20261005T120000000Z', '2026-10-06T00:00:00Z');
        expect(again).toEqual(status);
      } else expect(status).toBe(promotion.status);
    }
    const running = sample.promotions.find((promotion) => phase(promotion) === 'Running') as KubernetesObject;
    expect(restoredPromotionStatus(running, 's', 't')).toMatchObject({
      stepExecutionMetadata: [{ status: 'Aborted', finishedAt: 't' }],
    });
  });

  test('a stage forgets an interrupted promotion, and keeps one that had ended for Kargo to enter in its history', () => {
    const stage = (current: string): KubernetesObject => ({
      metadata: { name: 'x' },
      status: { currentPromotion: { name: current }, health: 1 },
    });
    const ended = sample.promotions.find((promotion) => phase(promotion) === 'Succeeded')?.metadata.name ?? '';
    const running = sample.promotions.find((promotion) => phase(promotion) === 'Running')?.metadata.name ?? '';
    expect(restoredStageStatus(stage(running), promotions)).toEqual({ health: 1 });
    expect(restoredStageStatus(stage('unknown'), promotions)).toEqual({ health: 1 });
    expect(restoredStageStatus(stage(ended), promotions)).toEqual({ health: 1, currentPromotion: { name: ended } });
  });

  test('owners get their new uids, and lost owners are dropped', () => {
    const metadata = sample.promotions[0]?.metadata ?? {};
    const back = restoredMetadata(metadata, (kind, name) => (kind === 'Stage' && name === 'ci' ? 'new' : undefined));
    expect(back.ownerReferences?.map(({ uid }) => uid)).toEqual(['new']);
    expect(restoredMetadata(metadata, () => undefined).ownerReferences).toBeUndefined();
    expect(restoredMetadata({ ...metadata, uid: 'u', resourceVersion: '1' }, () => undefined)).not.toHaveProperty(
      'uid',
    );
  });

  test('promotions are made in the order of time, the newest of each stage last', () => {
    const { bulk, spaced } = inOrder(sample.promotions, 2);
    const names = sample.promotions.map(({ metadata }) => metadata.name);
    expect(spaced.map(({ metadata }) => metadata.name)).toEqual(names.slice(-8));
    expect(bulk.map(({ metadata }) => metadata.name)).toEqual(names.slice(0, -8));
  });
});

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { probe, restore, snapshot, verify } from '../../../runtime/state/commands.ts';
import type { Manifest } from '../../../runtime/state/manifest.ts';
import { idsToKeep, SnapshotStore, snapshotId, timeOfId } from '../../../runtime/state/store.ts';
import { project } from './sample.ts';
import { kargoApi, StateWorld } from './world.ts';

let world: StateWorld;
beforeEach(async () => {
  world = await StateWorld.start();
  world.populate();
});
afterEach(() => world.stop());

const take = (acceptLoss = false): Promise<Manifest> => snapshot(world.context(), { acceptLoss });
const check = (id?: string): Promise<void> => verify(world.context(), { id, all: false });
const bringBack = (): Promise<void> => restore(world.context(), { dryRun: false, ifNeeded: false, only: ['objects'] });
const sealed = (id: string, name = 'kargo'): string => join(world.volume, 'snapshots', id, `${name}.sealed`);

describe('taking a snapshot', () => {
  test('writes sealed files with mode 0600 and a manifest that tells what is in them', async () => {
    const manifest = await take();
    expect(manifest.counts).toMatchObject({ projects: 1, stages: 4, freights: 6, promotions: 24 });
    expect(await new SnapshotStore(world.volume).latest()).toBe(manifest.id);
    for (const name of readdirSync(join(world.volume, 'snapshots', manifest.id))) {
      expect(statSync(join(world.volume, 'snapshots', manifest.id, name)).mode & 0o777).toBe(0o600);
    }
    const bytes = readFileSync(sealed(manifest.id));
    expect(bytes.subarray(0, 8).toString()).toBe('SEALED1\n');
    expect(bytes.includes('Promotion')).toBe(false);
    await check();
  });

  test('one that lacks a known stage or the project is kept, but never becomes the latest', async () => {
    const whole = await take();
    world.cluster.objects.delete(`${kargoApi}/namespaces/${project}/stages/paper`);
    await expect(take()).rejects.toMatchObject({ code: 5, message: expect.stringContaining('Stage paper') });
    world.cluster.objects.delete(`${kargoApi}/projects/${project}`);
    await expect(take()).rejects.toThrow(`Project ${project}`);
    const store = new SnapshotStore(world.volume);
    expect(await store.latest()).toBe(whole.id);
    expect(await store.ids()).toHaveLength(3);
  });

  test('one of a cluster that lost its history never becomes the latest, unless that is accepted', async () => {
    const whole = await take();
    for (const path of [...world.cluster.objects.keys()]) {
      if (path.includes('/promotions/live.')) world.cluster.objects.delete(path);
    }
    await expect(take()).rejects.toMatchObject({
      code: 5,
      message: expect.stringMatching(/Promotion live\..* of stage live/),
    });
    expect(await new SnapshotStore(world.volume).latest()).toBe(whole.id);
    const accepted = await take(true);
    expect(await new SnapshotStore(world.volume).latest()).toBe(accepted.id);
  });

  test('a full disk leaves the earlier snapshots as they were, and nothing half-written', async () => {
    const whole = await take();
    const program = join(world.folder, 'state.cjs');
    await build({
      entryPoints: [join(import.meta.dirname, '../../../runtime/state/main.ts')],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: program,
    });
    writeFileSync(join(world.folder, 'settings.json'), JSON.stringify(world.settings()));
    const { server } = world.cluster.client.connection;
    const config = {
      clusters: [{ name: 'c', cluster: { server } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
      'current-context': 'c',
    };
    writeFileSync(join(world.folder, 'kubeconfig'), JSON.stringify(config));
    // Files may grow to one block of 1 KiB and no further, as on a full disk.
    const script = `trap '' XFSZ; ulimit -f 1; exec "$0" "$1" snapshot --settings "$2"`;
    const run = await runAside('bash', ['-c', script, process.execPath, program, join(world.folder, 'settings.json')], {
      KUBECONFIG: join(world.folder, 'kubeconfig'),
    });
    expect(run.output).toMatch(/grew past the size limit|disk is full/);
    expect(run.code).toBe(1);
    expect(readdirSync(join(world.volume, 'snapshots')).sort()).toEqual([whole.id, 'latest']);
    await check();
  });
});

/** Runs a program while this process goes on answering it. */
async function runAside(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const { spawn } = await import('node:child_process');
  return new Promise((fulfil, reject) => {
    const child = spawn(command, args, { env: { PATH: process.env.PATH, HOME: world.folder, ...env } });
    let output = '';
    const add = (text: Buffer): void => {
      output += text;
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.on('error', reject);
    child.on('close', (code) => fulfil({ code, output }));
  });
}

describe('a damaged snapshot', () => {
  const damages: [string, (id: string) => void, RegExp][] = [
    [
      'truncated',
      (id) => truncateSync(sealed(id), statSync(sealed(id)).size - 7),
      /truncated: \d+ bytes instead of \d+/,
    ],
    [
      'altered',
      (id) => {
        const bytes = readFileSync(sealed(id));
        bytes[60] = (bytes[60] ?? 0) ^ 1;
        writeFileSync(sealed(id), bytes);
      },
      /its checksum does not fit/,
    ],
    [
      'whose manifest was altered',
      (id) => {
        const path = join(world.volume, 'snapshots', id, 'manifest.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('"promotions": 24', '"promotions": 23'));
      },
      /manifest.json was altered/,
    ],
    [
      'whose manifest was cut',
      (id) => truncateSync(join(world.volume, 'snapshots', id, 'manifest.json'), 100),
      /manifest.json: truncated or altered/,
    ],
    ['without one of its files', (id) => spawnSync('rm', [sealed(id)]), /kargo.sealed is missing/],
    ['sealed with another key', () => world.writeKey('aa'.repeat(32)), /was sealed with another key/],
  ];
  test.each(damages)('%s is refused with the reason, and nothing is restored', async (_, damage, reason) => {
    const { id } = await take();
    damage(id);
    await expect(check()).rejects.toMatchObject({ code: 6, message: expect.stringMatching(reason) });
    await world.loseCluster();
    await expect(bringBack()).rejects.toThrow(reason);
    expect(world.cluster.writes).toEqual([]);
  });

  test('of another system is refused, unless that one is replaced by this', async () => {
    const { id } = await take();
    await world.loseCluster();
    const successor = (predecessors?: readonly string[]) =>
      restore(world.context(world.settings('kargo', { system: 'successor', predecessors })), {
        dryRun: false,
        ifNeeded: false,
        only: ['objects'],
      });
    const { system } = world.settings();
    await expect(successor()).rejects.toThrow(`snapshot ${id} is of ${system}/kargo, not of successor/kargo`);
    await expect(successor(['somebody-else'])).rejects.toThrow('not of successor/kargo');
    expect(world.cluster.writes).toEqual([]);
    await successor([system]);
    expect(world.cluster.writes.length).toBeGreaterThan(20);
  });

  test('with the file of another snapshot in its place is refused', async () => {
    const first = await take();
    const second = await take();
    copyFileSync(sealed(first.id), sealed(second.id));
    await expect(check()).rejects.toMatchObject({ code: 6 });
  });

  test('can be left for an older one', async () => {
    const first = await take();
    const second = await take();
    truncateSync(sealed(second.id), 10);
    await world.loseCluster();
    const older = { id: first.id, dryRun: false, ifNeeded: false, only: ['objects'] } as const;
    await restore(world.context(), older);
    expect([...world.cluster.objects.keys()].filter((path) => path.includes('/promotions/'))).toHaveLength(24);
  });
});

describe('restoring', () => {
  test('without any snapshot is an error, or nothing to do where that may be', async () => {
    await expect(bringBack()).rejects.toMatchObject({ code: 4 });
    expect(world.cluster.writes).toEqual([]);
    await restore(world.context(), { dryRun: false, ifNeeded: true, only: ['objects'] });
    expect(world.lines.at(-1)).toContain('nothing to restore');
    // From now on the teardown may take a last snapshot.
    expect(world.cluster.objects.get('/api/v1/namespaces/kargo/configmaps/pipelines-restore')?.data).toMatchObject({
      phase: 'done',
      snapshot: 'none',
    });
  });

  test('a cluster that holds everything is left alone', async () => {
    await take();
    const before = world.cluster.writes.length;
    await restore(world.context(), { dryRun: false, ifNeeded: true, only: ['objects'] });
    expect(world.lines.at(-2)).toBe('Kargo: present');
    expect(world.cluster.writes.slice(before)).toEqual(['PATCH /api/v1/namespaces/kargo/configmaps/pipelines-restore']);
  });

  test('objects purged after a restore come back from the snapshot, although that restore had ended', async () => {
    await take();
    await world.loseCluster();
    await bringBack();
    for (const path of [...world.cluster.objects.keys()])
      if (path.startsWith(kargoApi)) world.cluster.objects.delete(path);
    await bringBack();
    expect([...world.cluster.objects.keys()].filter((path) => path.includes('/promotions/'))).toHaveLength(24);
  });

  test('a snapshot of another system is refused', async () => {
    await take();
    const other = world.context({ ...world.settings(), system: 'other' });
    await expect(restore(other, { dryRun: false, ifNeeded: true, only: ['objects'] })).rejects.toThrow(
      'is of stonks-oracle/kargo',
    );
  });
});

test('the probe fails as soon as there is a snapshot, and needs no key', async () => {
  writeFileSync(join(world.folder, 'other'), '');
  const context = world.context({ ...world.settings(), keyFile: join(world.folder, 'missing') });
  await probe(context);
  await take();
  await expect(probe(context)).rejects.toMatchObject({ code: 3 });
});

describe('retention', () => {
  const start = Date.parse('2026-01-01T00:00:00Z');
  const ids = fc
    .uniqueArray(fc.integer({ min: 0, max: 40 * 24 * 4 }), { minLength: 1, maxLength: 200 })
    .map((quarters) => quarters.sort((a, b) => a - b).map((n) => snapshotId(new Date(start + n * 900_000))));

  test('always keeps the latest, the newest ones, and the newest of each recent day', () => {
    fc.assert(
      fc.property(ids, fc.nat({ max: 20 }), fc.nat({ max: 30 }), fc.nat(), (all, recent, daily, pick) => {
        const now = timeOfId(all.at(-1) ?? '');
        const latest = all[pick % all.length] as string;
        const kept = idsToKeep(all, latest, { recent, daily }, now);
        expect(kept).toContain(latest);
        expect(kept.slice(-Math.max(1, recent))).toEqual(
          all
            .slice(-Math.max(1, recent))
            .filter((id) => kept.includes(id))
            .slice(-kept.length),
        );
        for (const id of all.slice(-Math.max(1, recent))) expect(kept).toContain(id);
        const days = new Set(
          all.filter((id) => now.getTime() - timeOfId(id).getTime() <= daily * 86_400_000).map((id) => id.slice(0, 8)),
        );
        for (const day of days) {
          const newest = all.filter((id) => id.startsWith(day)).at(-1) as string;
          if (now.getTime() - timeOfId(newest).getTime() <= daily * 86_400_000) expect(kept).toContain(newest);
        }
        expect(kept.length).toBeLessThanOrEqual(Math.max(1, recent) + daily + 2);
      }),
    );
  });

  test('removes old snapshots from the volume', async () => {
    const taken: string[] = [];
    for (let n = 0; n < 5; n += 1) taken.push((await take()).id);
    const left = taken.filter((id) => existsSync(join(world.volume, 'snapshots', id)));
    expect(left).toEqual(taken.slice(-3));
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { latestSnapshotIn, SnapshotSchedule, snapshotByCommand } from '../../../runtime/recorder/snapshots.ts';

const never = new AbortController().signal;

describe('the schedule of snapshots', () => {
  it('takes one at the start, then after changes only, never too often, and once a day anyway', async () => {
    let minutes = 0;
    let taken = 0;
    const schedule = new SnapshotSchedule({
      take: async () => {
        taken += 1;
      },
      everyMinutes: 10,
      clock: () => minutes * 60_000,
    });
    const at = async (minute: number, change = false) => {
      minutes = minute;
      if (change) schedule.noteChange();
      await schedule.tick(never);
      return taken;
    };
    expect(await at(0)).toBe(1);
    expect(await at(60)).toBe(1);
    expect(await at(61, true)).toBe(2);
    expect(await at(65, true)).toBe(2);
    expect(await at(71)).toBe(3);
    expect(await at(71 + 1439)).toBe(3);
    expect(await at(71 + 1440)).toBe(4);
  });

  it('tries a failed one again after the same pause, and says what failed', async () => {
    let minutes = 0;
    let works = false;
    const schedule = new SnapshotSchedule({
      take: async () => {
        if (!works) throw new Error('the volume is full');
      },
      everyMinutes: 10,
      clock: () => minutes * 60_000,
    });
    await expect(schedule.tick(never)).rejects.toThrow('the volume is full');
    expect(schedule).toMatchObject({ failures: 1, lastError: 'the volume is full', due: false });
    minutes = 10;
    works = true;
    await schedule.tick(never);
    expect(schedule.lastError).toBeUndefined();
    expect(schedule.lastSuccess).toBeInstanceOf(Date);
  });
});

describe('the snapshot command', () => {
  const node = (code: string, timeoutSeconds?: number) =>
    snapshotByCommand({ command: [process.execPath, '-e', code], timeoutSeconds });

  it('succeeds with its program, and fails with the last words of it', async () => {
    await node('process.exit(0)')(never);
    await expect(node('console.error("no room left"); process.exit(3)')(never)).rejects.toThrow(
      /the snapshot failed \(exit 3\): no room left/,
    );
    await expect(snapshotByCommand({ command: ['/nowhere/program'] })(never)).rejects.toThrow(/ENOENT/);
  });

  it('is ended when it takes too long or the recorder ends', async () => {
    await expect(node('setInterval(() => {}, 1000)', 0.2)(never)).rejects.toThrow('took too long or was stopped');
    const stop = new AbortController();
    const running = node('setInterval(() => {}, 1000)')(stop.signal);
    stop.abort();
    await expect(running).rejects.toThrow('took too long or was stopped');
  });
});

describe('the latest snapshot of the state program', () => {
  it('is as old as the file that names it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'snapshots-'));
    const latest = latestSnapshotIn(folder);
    expect(await latest()).toBeUndefined();
    writeFileSync(path.join(folder, 'latest'), '20261120T210000Z\n');
    expect(Math.abs((await latest())!.getTime() - Date.now())).toBeLessThan(60_000);
    rmSync(folder, { recursive: true });
  });
});

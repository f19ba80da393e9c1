import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditFileName } from '../../../model/audit/verify.ts';
import { AuditLog } from '../../../runtime/recorder/audit-log.ts';
import { sampleFact } from '../audit/sample.ts';

let folder: string;
let repairs: string[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'audit-log-'));
  repairs = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const facts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => sampleFact(from + index));
const openLog = (rotateBytes?: number) =>
  new AuditLog({ folder, rotateBytes, onRepair: (message) => repairs.push(message) });
const firstFile = () => path.join(folder, auditFileName(1));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('the audit log on disk', () => {
  it('keeps facts over a restart, each once', async () => {
    const first = openLog();
    expect(await first.append(facts(5))).toHaveLength(5);
    expect(await first.append(facts(8))).toHaveLength(3);
    await first.close();
    const second = openLog();
    expect(await second.append(facts(9))).toHaveLength(1);
    const report = await second.verify();
    expect(report).toMatchObject({ valid: true, records: 9 });
    expect(second.history.size).toBe(3);
    expect(second.seqOf(sampleFact(4).key)).toBe(5);
    expect(statSync(firstFile()).mode & 0o777).toBe(0o640);
    await second.close();
  });

  it('writes the same fact once when it is given twice in one batch or at the same time', async () => {
    const log = openLog();
    const made = await Promise.all([
      log.append([sampleFact(0), sampleFact(0)]),
      log.append([sampleFact(0), sampleFact(1)]),
    ]);
    expect(made.map((records) => records.length)).toEqual([1, 1]);
    expect(await log.verify()).toMatchObject({ valid: true, records: 2 });
    await log.close();
  });

  it('begins a new file when one is full, and goes on in the last one after a restart', async () => {
    const log = openLog(2000);
    for (const fact of facts(20)) await log.append([fact]);
    await log.close();
    const names = await openLog().fileNames();
    expect(names.length).toBeGreaterThan(2);
    const again = openLog(2000);
    for (const fact of facts(25)) await again.append([fact]);
    expect(await again.verify()).toMatchObject({ valid: true, records: 25 });
    await again.close();
  });

  it('tells every record to its listeners only once it is on the disk', async () => {
    const log = openLog();
    const seen: number[] = [];
    log.onAppend((record) => {
      expect(readFileSync(firstFile(), 'utf8')).toContain(record.hash);
      seen.push(record.seq);
    });
    await log.append(facts(3));
    expect(seen).toEqual([1, 2, 3]);
    await log.close();
  });

  it('writes nothing when it may not', async () => {
    const log = openLog();
    const refuse = () => {
      throw new Error('not mine');
    };
    await expect(log.append(facts(1), refuse)).rejects.toThrow('not mine');
    expect(readFileSync(firstFile(), 'utf8')).toBe('');
    await log.close();
  });

  it('reads records and raw lines from a number on, across files', async () => {
    const log = openLog(2000);
    for (const fact of facts(20)) await log.append([fact]);
    const from = async (seq: number) => (await all(log.records(seq))).map((record) => record.seq);
    expect(await from(1)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await from(13)).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
    expect(await from(99)).toEqual([]);
    const raw = Buffer.concat(await all(log.raw())).toString();
    expect(raw.split('\n')).toHaveLength(21);
    await log.close();
  });
});

describe('after an interrupted write', () => {
  it('cuts off a torn line anywhere in it, keeps what was cut, and records the fact again', async () => {
    const whole = openLog();
    await whole.append(facts(3));
    await whole.close();
    const content = readFileSync(firstFile());
    const lastLine = content.lastIndexOf(10, content.length - 2) + 1;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: lastLine + 1, max: content.length - 2 }), async (length) => {
        writeFileSync(firstFile(), content.subarray(0, length));
        const log = openLog();
        await log.load();
        expect(log.head.seq).toBe(2);
        expect(await log.append(facts(3))).toHaveLength(1);
        expect(await log.verify()).toMatchObject({ valid: true, records: 3 });
        await log.close();
        const kept = readdirSync(folder).find((name) => name.startsWith('torn-'));
        expect(readFileSync(path.join(folder, kept!))).toEqual(content.subarray(lastLine, length));
      }),
      { numRuns: 40 },
    );
    expect(repairs.at(-1)).toContain('cut off');
  });

  it('completes a line that lacks only its newline', async () => {
    const whole = openLog();
    await whole.append(facts(3));
    await whole.close();
    truncateSync(firstFile(), statSync(firstFile()).size - 1);
    const log = openLog();
    await log.load();
    expect(log.head.seq).toBe(3);
    expect(await log.append(facts(4))).toHaveLength(1);
    expect(await log.verify()).toMatchObject({ valid: true, records: 4 });
    await log.close();
  });

  it('starts with the empty file that an interrupted rotation left, or without it', async () => {
    const whole = openLog();
    await whole.append(facts(3));
    await whole.close();
    writeFileSync(path.join(folder, auditFileName(4)), '');
    const log = openLog();
    await log.append(facts(4));
    expect(statSync(path.join(folder, auditFileName(4))).size).toBeGreaterThan(100);
    await log.close();

    writeFileSync(path.join(folder, auditFileName(9)), '');
    const again = openLog();
    await again.append(facts(5));
    expect(existsSync(path.join(folder, auditFileName(9)))).toBe(false);
    expect(await again.verify()).toMatchObject({ valid: true, records: 5 });
    await again.close();
  });

  it('cuts off zeros that a power cut left behind the last line', async () => {
    const whole = openLog();
    await whole.append(facts(3));
    await whole.close();
    appendFileSync(firstFile(), Buffer.alloc(4096));
    const log = openLog();
    await log.append(facts(4));
    expect(await log.verify()).toMatchObject({ valid: true, records: 4 });
    await log.close();
  });
});

describe('when the volume fails', () => {
  it('says that the disk is full, and writes what is left once there is room', async () => {
    symlinkSync('/dev/full', firstFile());
    const log = openLog();
    await expect(log.append(facts(2))).rejects.toThrow(/disk is full/);
    expect(log.seqOf(sampleFact(0).key)).toBeUndefined();
    await expect(log.append(facts(2))).rejects.toThrow(/disk is full/);
    unlinkSync(firstFile());
    expect(await log.append(facts(2))).toHaveLength(2);
    expect(await log.verify()).toMatchObject({ valid: true, records: 2 });
    await log.close();
  });

  it('notices that its file was taken away, and says in the chain what vanished', async () => {
    const log = openLog();
    await log.append(facts(3));
    unlinkSync(firstFile());
    await log.append(facts(4));
    const records = await all(log.records());
    expect(records.map((record) => record.type)).toEqual([
      'chain-broken',
      'promotion-created',
      'promotion-started',
      'promotion-finished',
      'promotion-created',
    ]);
    expect(records[0]).toMatchObject({ problem: 'records 1 to 3 vanished from the volume while the recorder ran' });
    expect((await log.verify()).valid).toBe(true);
    await log.close();
  });

  it('fails in words when the folder is no folder', async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    await expect(openLog().append(facts(1))).rejects.toThrow(folder);
  });
});

describe('when somebody else wrote to the file', () => {
  it('reads it again and goes on behind what is there', async () => {
    const one = openLog();
    await one.append(facts(2));
    const other = openLog();
    await other.append(facts(4));
    expect(await one.append(facts(6))).toHaveLength(2);
    expect(await one.verify()).toMatchObject({ valid: true, records: 6 });
    await Promise.all([one.close(), other.close()]);
  });

  it('notes damage once, goes on recording, and keeps calling the chain broken', async () => {
    const log = openLog();
    await log.append(facts(4));
    await log.close();
    writeFileSync(firstFile(), readFileSync(firstFile(), 'utf8').replace('alice', 'mallo'));
    for (let restart = 0; restart < 3; restart += 1) {
      const again = openLog();
      await again.append(facts(5 + restart));
      await again.close();
    }
    const last = openLog();
    const report = await last.verify();
    expect(report.problems.map((problem) => problem.kind)).toEqual(['altered']);
    const records = await all(last.records());
    expect(records.filter((record) => record.type === 'chain-broken')).toHaveLength(1);
    expect(records.at(-1)?.seq).toBe(9);
  });

  it('goes on behind a last line that can not be read', async () => {
    const log = openLog();
    await log.append(facts(2));
    await log.close();
    appendFileSync(firstFile(), 'garbage\n');
    const again = openLog();
    await again.append(facts(3));
    const report = await again.verify();
    expect(report.problems.map((problem) => problem.kind)).toEqual(['malformed']);
    expect((await all(again.records())).map((record) => record.type)).toContain('chain-broken');
    await again.close();
  });
});

// Prints how fast the audit log is verified and written: node tools/run.mjs tools/bench-audit.ts [records]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { AuditFact } from '../model/audit/record.ts';
import { AuditLog } from '../runtime/recorder/audit-log.ts';

const count = Number(process.argv[2] ?? 100_000);
const folder = mkdtempSync(path.join(tmpdir(), 'bench-audit-'));

function fact(index: number): AuditFact {
  const promotion = `paper.01kb${String(index).padStart(22, '0')}.abcdef1`;
  return {
    type: 'promotion-created',
    key: `promotion/stonks-pipeline/${promotion}/created`,
    at: '2026-11-20T21:00:00.000Z',
    project: 'stonks-pipeline',
    promotion,
    uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    stage: 'paper',
    sourceStages: ['beta'],
    freight: 'f'.repeat(40),
    freightAlias: 'calm-otter',
    tag: 'a'.repeat(40),
    images: Array.from({ length: 14 }, (_, image) => ({
      repository: `registry.celestium.life/stonks-oracle/service-${image}`,
      tag: 'a'.repeat(40),
    })),
    actor: 'email:alice@example.org',
    automatic: false,
    note: 'weekly release, all checks are green',
  };
}

async function timed(what: string, records: number, work: () => Promise<void>): Promise<void> {
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  console.log(`${what}: ${Math.round(records / seconds).toLocaleString('en')} records/s`);
}

try {
  const log = new AuditLog({ folder });
  await timed('write in batches of 500, each flushed', count, async () => {
    for (let from = 0; from < count; from += 500) {
      await log.append(Array.from({ length: Math.min(500, count - from) }, (_, index) => fact(from + index)));
    }
  });
  await timed('verify', count, async () => {
    const report = await log.verify();
    if (!report.valid || report.records !== count) throw new Error('the log is not whole');
  });
  await timed('read at the start of the recorder', count, async () => {
    await log.load();
  });
  const singles = Math.min(count, 500);
  await timed('write one by one, each flushed', singles, async () => {
    for (let index = 0; index < singles; index += 1) await log.append([fact(count + index)]);
  });
  let bytes = 0;
  for await (const piece of log.raw()) bytes += piece.length;
  console.log(`${Math.round(bytes / (count + singles))} bytes per record with 14 images`);
  await log.close();
} finally {
  rmSync(folder, { recursive: true });
}

import { emptyHead, headOf, seal } from '../../../model/audit/chain.ts';
import type { AuditFact, AuditRecord } from '../../../model/audit/record.ts';

/** The n-th fact of a made-up life: created, started, finished, created ... */
export function sampleFact(index: number): AuditFact {
  const promotion = `paper.promotion-${Math.floor(index / 3)}`;
  const base = {
    at: new Date(Date.UTC(2026, 10, 20) + index * 1000).toISOString(),
    project: 'stonks-pipeline',
    promotion,
    stage: 'paper',
    freight: 'f1',
    tag: 'a'.repeat(40),
    actor: 'email:alice@example.org',
  };
  switch (index % 3) {
    case 0:
      return {
        ...base,
        type: 'promotion-created',
        key: `${promotion}/created`,
        uid: `uid-${index}`,
        sourceStages: ['beta'],
        images: [],
        automatic: false,
        note: 'Größe "quoted" \u2028 line, emoji 🚀',
      };
    case 1:
      return { ...base, type: 'promotion-started', key: `${promotion}/started` };
    default:
      return { ...base, type: 'promotion-finished', key: `${promotion}/finished`, result: 'Succeeded' };
  }
}

export interface SampleChain {
  readonly lines: readonly string[];
  readonly records: readonly AuditRecord[];
}

export function sampleChain(count: number): SampleChain {
  const lines: string[] = [];
  const records: AuditRecord[] = [];
  let head = emptyHead;
  for (let index = 0; index < count; index += 1) {
    const sealed = seal(sampleFact(index), head, '2026-11-20T00:00:00.000Z');
    head = headOf(sealed.record);
    lines.push(sealed.line);
    records.push(sealed.record);
  }
  return { lines, records };
}

export const fileOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

import { describe, expect, it } from 'vitest';
import { History } from '../../../model/audit/history.ts';
import { historyCsv } from '../../../model/audit/history-csv.ts';
import type { AuditFact } from '../../../model/audit/record.ts';
import { sampleFact } from './sample.ts';

function historyOf(facts: readonly AuditFact[]): History {
  const history = new History();
  for (const [index, fact] of facts.entries()) history.add({ ...fact, seq: index + 1 });
  return history;
}

const base = { project: 'stonks-pipeline', stage: 'live', freight: 'f9', tag: 'b'.repeat(40), actor: 'admin' };
const created = (promotion: string, at: string, more: object = {}): AuditFact => ({
  ...base,
  type: 'promotion-created',
  key: `${promotion}/created`,
  promotion,
  at,
  uid: promotion,
  sourceStages: ['paper'],
  images: [],
  automatic: false,
  ...more,
});

describe('history', () => {
  it('puts the records of a promotion together, with every audit field', () => {
    const history = historyOf([sampleFact(0), sampleFact(1), sampleFact(2)]);
    expect(history.query().entries).toEqual([
      {
        id: 'paper.promotion-0',
        project: 'stonks-pipeline',
        stage: 'paper',
        sourceStages: ['beta'],
        freight: 'f1',
        tag: 'a'.repeat(40),
        images: [],
        actor: 'email:alice@example.org',
        automatic: false,
        note: expect.stringContaining('Größe'),
        createdAt: '2026-11-20T00:00:00.000Z',
        startedAt: '2026-11-20T00:00:01.000Z',
        finishedAt: '2026-11-20T00:00:02.000Z',
        result: 'Succeeded',
        records: [1, 2, 3],
      },
    ]);
  });

  it('says who aborted, and keeps the first end of a promotion', () => {
    const history = historyOf([
      created('p1', '2026-11-20T00:00:00Z'),
      {
        ...base,
        type: 'promotion-aborted',
        key: 'a',
        promotion: 'p1',
        at: '2026-11-20T00:00:05Z',
        abortedBy: 'email:bob@x',
      },
      {
        ...base,
        type: 'promotion-finished',
        key: 'b',
        promotion: 'p1',
        at: '2026-11-20T00:00:09Z',
        result: 'Succeeded',
      },
    ]);
    expect(history.get('p1')).toMatchObject({
      result: 'Aborted',
      abortedBy: 'email:bob@x',
      finishedAt: '2026-11-20T00:00:05Z',
    });
  });

  it('lists refused attempts and promotions that vanished', () => {
    const history = historyOf([
      created('p1', '2026-11-20T00:00:00Z'),
      { ...base, type: 'promotion-removed', key: 'r', promotion: 'p1', at: '2026-11-20T00:01:00Z' },
      {
        ...base,
        type: 'promotion-denied',
        key: 'd',
        attempt: '77',
        at: '2026-11-20T00:02:00Z',
        reason: 'blocked',
        reportedBy: 'desk',
      },
    ]);
    expect(history.query().entries.map((entry) => [entry.id, entry.result, entry.message])).toEqual([
      ['attempt:77', 'Denied', 'blocked'],
      ['p1', 'Removed', undefined],
    ]);
  });

  it('filters, searches and pages, newest first', () => {
    const history = historyOf([
      ...Array.from({ length: 25 }, (_, index) =>
        created(`p${String(index).padStart(2, '0')}`, `2026-11-20T00:00:${String(index).padStart(2, '0')}Z`),
      ),
      created('q', '2026-11-21T00:00:00Z', { stage: 'paper', breakGlass: 'prices are wrong', note: 'Hotfix' }),
    ]);
    expect(history.size).toBe(26);
    const first = history.query({ stage: 'live', limit: 10 });
    expect(first).toMatchObject({ total: 25, next: 'p15' });
    const ids: string[] = [];
    for (let page = first; ; page = history.query({ stage: 'live', limit: 10, after: page.next })) {
      ids.push(...page.entries.map((entry) => entry.id));
      if (page.next === undefined) break;
    }
    expect(ids).toEqual(Array.from({ length: 25 }, (_, index) => `p${String(24 - index).padStart(2, '0')}`));
    expect(history.query({ breakGlass: true }).entries.map((entry) => entry.id)).toEqual(['q']);
    expect(history.query({ text: 'HOTFIX' }).total).toBe(1);
    expect(history.query({ from: '2026-11-20T00:00:20Z', to: '2026-11-20T00:00:22Z' }).total).toBe(2);
    expect(history.query({ result: 'Running' }).total).toBe(0);
  });

  it('stays quick with 10,000 promotions', () => {
    const history = historyOf(Array.from({ length: 30_000 }, (_, index) => sampleFact(index)));
    const before = performance.now();
    expect(history.query({ text: 'promotion-99', limit: 50 }).total).toBe(111);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('history as CSV', () => {
  it('quotes what needs it and defuses formulas', () => {
    const history = historyOf([
      created('p1', '2026-11-20T00:00:00Z', { note: '=HYPERLINK("http://x")', breakGlass: 'a, "b"\nc' }),
    ]);
    const csv = historyCsv(history.query().entries);
    expect(csv.split('\r\n')[0]).toBe(
      'promotion,created,started,finished,source stages,target stage,tag,freight,operator,note,break-glass,justification,result,aborted by,message,records',
    );
    expect(csv).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(csv).toContain('yes,"a, ""b""\nc",Pending');
  });
});

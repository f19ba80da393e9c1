import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../model/audit/canonical-json.ts';
import { emptyHead, headOf, seal } from '../../../model/audit/chain.ts';
import { parseLine } from '../../../model/audit/parse.ts';
import { sampleChain, sampleFact } from './sample.ts';

describe('canonical JSON', () => {
  it('gives equal bytes for equal values, whatever the order of their keys', () => {
    expect(canonicalJson({ b: [1, { z: null, a: 'ü' }], a: true, skipped: undefined })).toBe(
      '{"a":true,"b":[1,{"a":"ü","z":null}]}',
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('refuses numbers that JSON can not hold', () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(RangeError);
  });
});

describe('the chain', () => {
  it('numbers the records, links each to the one before, and hashes every byte before the hash', () => {
    const { lines, records } = sampleChain(5);
    expect(records.map((record) => record.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(records[0]?.previous).toBe(emptyHead.hash);
    for (let index = 1; index < records.length; index += 1)
      expect(records[index]?.previous).toBe(records[index - 1]?.hash);
    for (const [index, line] of lines.entries()) {
      const body = line.slice(0, line.lastIndexOf(',"hash":'));
      expect(createHash('sha256').update(body).digest('hex')).toBe(records[index]?.hash);
    }
  });

  it('keeps a line on one line, whatever the text in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (note) => {
        const fact = { ...sampleFact(0), note } as ReturnType<typeof sampleFact>;
        const { line, record } = seal(fact, emptyHead, '2026-11-20T00:00:00.000Z');
        expect(line).not.toMatch(/[\r\n]/);
        const parsed = parseLine(Buffer.from(line));
        expect(parsed).toMatchObject({ ok: true, altered: false });
        if (parsed.ok) expect(parsed.record).toEqual(JSON.parse(JSON.stringify(record)));
      }),
    );
  });

  it('continues from a head', () => {
    const { records } = sampleChain(2);
    const next = seal(sampleFact(2), headOf(records[1]!), 'now');
    expect(next.record).toMatchObject({ seq: 3, previous: records[1]?.hash });
  });
});

describe('reading a line', () => {
  it.each([
    ['an empty line', ''],
    ['a line without its hash', '{"seq":1}'],
    ['a line that is cut', sampleChain(1).lines[0]!.slice(0, -20)],
    ['a line with a carriage return', `${sampleChain(1).lines[0]}\r`],
    ['a line that is not JSON', `garbage,"hash":"${'0'.repeat(64)}"}`],
    [
      'a version from the future',
      seal({ ...sampleFact(0) }, emptyHead, 'now').line.replace('"version":1', '"version":2'),
    ],
    [
      'an unknown type',
      seal({ ...sampleFact(0) }, emptyHead, 'now').line.replace('promotion-created', 'promotion-invented'),
    ],
    ['a number that is no number', seal(sampleFact(0), emptyHead, 'now').line.replace('"seq":1', '"seq":0')],
  ])('refuses %s', (_what, line) => {
    const parsed = parseLine(Buffer.from(line));
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.problem.length).toBeGreaterThan(10);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyHead, headOf, seal } from '../../../model/audit/chain.ts';
import type { Anchor } from '../../../model/audit/record.ts';
import { auditFileName, ChainVerifier, firstSeqOf, problemText, verifyFiles } from '../../../model/audit/verify.ts';
import { fileOf, sampleChain, sampleFact } from './sample.ts';

const chain = sampleChain(30);
const anchorOf = (seq: number): Anchor => ({ ...headOf(chain.records[seq - 1]!), at: '2026-11-20T01:00:00.000Z' });
const verify = (lines: readonly string[], anchors: readonly Anchor[] = []) =>
  verifyFiles([{ name: auditFileName(1), content: fileOf(lines) }], { anchors });
const kinds = (lines: readonly string[], anchors: readonly Anchor[] = []) =>
  verify(lines, anchors).problems.map((problem) => problem.kind);

describe('verification', () => {
  it('accepts the untouched log, in one file or in many, cut into any pieces', () => {
    expect(verify(chain.lines)).toMatchObject({
      valid: true,
      records: 30,
      head: headOf(chain.records[29]!),
      problems: [],
    });
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 29 })), fc.integer({ min: 1, max: 500 }), (cuts, chunk) => {
        const verifier = new ChainVerifier({ anchors: [anchorOf(10), anchorOf(30)] });
        const starts = [0, ...cuts.sort((a, b) => a - b)];
        for (const [index, start] of starts.entries()) {
          verifier.startFile(auditFileName(start + 1));
          const content = Buffer.from(fileOf(chain.lines.slice(start, starts[index + 1])));
          for (let at = 0; at < content.length; at += chunk) verifier.push(content.subarray(at, at + chunk));
        }
        const report = verifier.finish();
        expect(report.problems).toEqual([]);
        expect(report).toMatchObject({ valid: true, records: 30, files: starts.length });
        expect(report.anchors).toMatchObject({ checked: 2, newest: { seq: 30 } });
      }),
      { numRuns: 50 },
    );
  });

  it('accepts an empty log, unless something was anchored', () => {
    expect(verifyFiles([])).toMatchObject({ valid: true, records: 0, head: emptyHead });
    expect(verifyFiles([], { anchors: [anchorOf(1)] }).problems).toMatchObject([{ kind: 'truncated', seq: 1 }]);
  });

  it('finds a changed line and names it, once', () => {
    const lines = chain.lines.with(11, chain.lines[11]!.replace('alice', 'mallo'));
    const report = verify(lines);
    expect(report.problems).toHaveLength(1);
    expect(report.problems[0]).toMatchObject({ kind: 'altered', file: auditFileName(1), line: 12, seq: 12 });
    expect(problemText(report.problems[0]!)).toBe(
      'audit-000000000001.jsonl:12 (record 12) altered: its bytes do not have its hash',
    );
  });

  it('finds a line that was written anew with a right hash', () => {
    const forged = seal(
      { ...sampleFact(11), actor: 'email:mallory@example.org' } as never,
      headOf(chain.records[10]!),
      'now',
    );
    expect(kinds(chain.lines.with(11, forged.line))).toEqual(['replaced']);
  });

  it('finds removed lines at the start and in the middle', () => {
    expect(kinds(chain.lines.slice(1))).toEqual(['misnamed', 'removed']);
    expect(verify(chain.lines.toSpliced(5, 3)).problems).toMatchObject([
      { kind: 'removed', seq: 6, problem: 'records 6 to 8 are missing' },
    ]);
  });

  it('finds a removed file', () => {
    const report = verifyFiles([
      { name: auditFileName(1), content: fileOf(chain.lines.slice(0, 10)) },
      { name: auditFileName(21), content: fileOf(chain.lines.slice(20)) },
    ]);
    expect(report.problems).toMatchObject([{ kind: 'removed', seq: 11, problem: 'records 11 to 20 are missing' }]);
  });

  it('finds inserted and reordered lines', () => {
    expect(kinds(chain.lines.toSpliced(8, 0, chain.lines[3]!))).toEqual(['inserted', 'repeated']);
    const swapped = chain.lines.with(4, chain.lines[5]!).with(5, chain.lines[4]!);
    expect(kinds(swapped)).toEqual(['reordered']);
  });

  it('finds a log that was cut at its end, by its anchor only', () => {
    expect(kinds(chain.lines.slice(0, 20))).toEqual([]);
    expect(kinds(chain.lines.slice(0, 20), [anchorOf(10), anchorOf(25)])).toEqual(['truncated']);
  });

  it('finds a log that was rewritten as a whole, by its anchor only', () => {
    let head = emptyHead;
    const forged = chain.records.map((_, index) => {
      const sealed = seal({ ...sampleFact(index), actor: 'email:mallory@example.org' } as never, head, 'now');
      head = headOf(sealed.record);
      return sealed.line;
    });
    expect(kinds(forged)).toEqual([]);
    expect(kinds(forged, [anchorOf(17)])).toEqual(['rewritten']);
  });

  it('finds the same fact recorded twice', () => {
    const again = seal(sampleFact(3), headOf(chain.records[29]!), 'now');
    expect(kinds([...chain.lines, again.line])).toEqual(['repeated']);
  });

  it('finds a torn last line', () => {
    const report = verifyFiles([{ name: auditFileName(1), content: `${fileOf(chain.lines)}{"act` }]);
    expect(report.problems).toMatchObject([{ kind: 'torn', line: 31 }]);
    expect(report.head.seq).toBe(30);
  });

  it('finds a file that is not where its name says', () => {
    expect(verifyFiles([{ name: auditFileName(2), content: fileOf(chain.lines) }]).problems).toMatchObject([
      { kind: 'misnamed' },
    ]);
  });

  it('does not list a billion missing numbers after a forged one', () => {
    const far = seal(sampleFact(0), { seq: 5_000_000_000, hash: '0'.repeat(64) }, 'now');
    const report = verify([...chain.lines, far.line]);
    expect(report.problems.map((problem) => problem.kind)).toEqual(['removed', 'repeated']);
  });

  it('counts all problems and lists the first ones', () => {
    const broken = chain.lines.map((line) => line.replace('paper', 'peper'));
    const report = verifyFiles([{ name: auditFileName(1), content: fileOf(broken) }], { problemLimit: 3 });
    expect(report.problems).toHaveLength(3);
    expect(report.problemCount).toBe(30);
  });

  const original = Buffer.from(fileOf(chain.lines));
  const anchors = [anchorOf(30)];

  it('finds any changed byte', () => {
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const changed = Buffer.from(original);
        changed[at] = changed[at]! ^ difference;
        expect(verifyFiles([{ name: auditFileName(1), content: changed }], { anchors }).valid).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds any cut, copied or moved run of bytes', () => {
    const place = fc.nat(original.length);
    fc.assert(
      fc.property(place, place, place, fc.constantFrom('cut', 'copy', 'move'), (a, b, to, how) => {
        const [from, end] = a < b ? [a, b] : [b, a];
        fc.pre(from < end);
        const piece = original.subarray(from, end);
        const without = Buffer.concat([original.subarray(0, from), original.subarray(end)]);
        const base = how === 'copy' ? original : without;
        const changed = how === 'cut' ? without : Buffer.concat([base.subarray(0, to), piece, base.subarray(to)]);
        fc.pre(!changed.equals(original));
        expect(verifyFiles([{ name: auditFileName(1), content: changed }], { anchors }).valid).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds any removed, copied, moved or exchanged line', () => {
    const line = fc.nat(chain.lines.length - 1);
    fc.assert(
      fc.property(line, line, fc.constantFrom('remove', 'copy', 'move', 'exchange'), (a, b, how) => {
        const { lines } = chain;
        fc.pre(how === 'remove' || how === 'copy' || a !== b);
        const changed =
          how === 'remove'
            ? lines.toSpliced(a, 1)
            : how === 'copy'
              ? lines.toSpliced(b, 0, lines[a]!)
              : how === 'move'
                ? lines.toSpliced(a, 1).toSpliced(b, 0, lines[a]!)
                : lines.with(a, lines[b]!).with(b, lines[a]!);
        expect(verify(changed, anchors).valid).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('file names', () => {
  it('sort in the order of the chain and give the first number back', () => {
    const numbers = [1, 2, 10, 999, 1000, 123_456_789];
    const names = numbers.map(auditFileName);
    expect([...names].sort()).toEqual(names);
    expect(names.map(firstSeqOf)).toEqual(numbers);
    expect(firstSeqOf('audit-1.jsonl')).toBeUndefined();
    expect(firstSeqOf('../audit-000000000001.jsonl')).toBeUndefined();
  });
});

import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import { type AuditFact, type AuditRecord, auditVersion, type ChainHead } from './record.ts';

/** The head of an empty chain. */
export const emptyHead: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** `,"hash":"` + 64 hex digits + `"}`: how every line ends. */
export const hashSuffixLength = 9 + 64 + 2;

/** A fact in its place in the chain, and the line (without newline) that holds it. */
export interface SealedRecord {
  readonly record: AuditRecord;
  readonly line: string;
}

/**
 * Puts a fact behind `head`. The line is canonical JSON with the hash last, so that the hash covers every byte before it:
 * whoever checks a line needs no JSON parser for that, and a changed space is found like a changed name.
 */
export function seal(fact: AuditFact, head: ChainHead, recordedAt: string): SealedRecord {
  const link = { version: auditVersion, seq: head.seq + 1, previous: head.hash, recordedAt } as const;
  const body = canonicalJson({ ...fact, ...link }).slice(0, -1);
  const hash = createHash('sha256').update(body).digest('hex');
  return { record: { ...fact, ...link, hash }, line: `${body},"hash":"${hash}"}` };
}

export function headOf(record: AuditRecord): ChainHead {
  return { seq: record.seq, hash: record.hash };
}

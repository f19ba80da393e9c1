import { createHash } from 'node:crypto';
import { hashSuffixLength } from './chain.ts';
import { type AuditRecord, auditTypes, auditVersion } from './record.ts';

const suffix = /^,"hash":"([0-9a-f]{64})"\}$/;
const knownTypes: ReadonlySet<string> = new Set(auditTypes);
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A line, read. `altered`: its bytes do not have the hash that it claims. */
export type ParsedLine =
  | { readonly ok: true; readonly record: AuditRecord; readonly altered: boolean }
  | { readonly ok: false; readonly problem: string };

/** Reads one line (without its newline) and checks its own hash; the place in the chain is the verifier's concern. */
export function parseLine(bytes: Uint8Array): ParsedLine {
  if (bytes.length === 0) return { ok: false, problem: 'the line is empty' };
  const end = bytes.length - hashSuffixLength;
  const claimed = end > 0 ? suffix.exec(Buffer.from(bytes.subarray(end)).toString('latin1'))?.[1] : undefined;
  if (!claimed) return { ok: false, problem: 'the line does not end in its hash' };
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return { ok: false, problem: 'the line is not JSON in UTF-8' };
  }
  const problem = shapeProblem(value);
  if (problem) return { ok: false, problem };
  const actual = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  return { ok: true, record: value as AuditRecord, altered: actual !== claimed };
}

function shapeProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the line is not an object';
  const record = value as Partial<Record<keyof AuditRecord, unknown>>;
  if (record.version !== auditVersion) return `version ${String(record.version)} is not known to this program`;
  if (typeof record.type !== 'string' || !knownTypes.has(record.type)) return 'the record type is not known';
  if (!Number.isSafeInteger(record.seq) || (record.seq as number) < 1) return 'seq is not a positive whole number';
  for (const field of ['previous', 'recordedAt', 'key', 'at', 'project', 'hash'] as const) {
    if (typeof record[field] !== 'string') return `${field} is missing`;
  }
  return undefined;
}

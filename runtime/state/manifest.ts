import { createHmac, timingSafeEqual } from 'node:crypto';
import type { StatePart } from '../../model/state/settings.ts';

/** One file of a snapshot. */
export interface SnapshotFile {
  /** What it holds: `kargo`, `argocd`, `secrets`, `woodpecker`, `repository:pipelines`. */
  name: string;
  /** Relative to the folder of the snapshots' part, with forward slashes. */
  path: string;
  sha256: string;
  bytes: number;
}

/** manifest.json: what a snapshot holds and how to know that it is whole. There is no secret in it. */
export interface Manifest {
  format: 'state-snapshot/1';
  id: string;
  system: string;
  part: StatePart;
  /** When the objects were read, UTC. */
  takenAt: string;
  /** The cluster it was taken from, by the context's name or `in-cluster`. */
  cluster: string;
  /** Tells which key opens the files. */
  keyFingerprint: string;
  /** Objects by kind, and branches and tags by repository. */
  counts: Record<string, number>;
  /** Branches and tags of each repository, with their commits. */
  references: Record<string, Record<string, string>>;
  /** The newest promotion of each stage: a later snapshot whose history ends earlier never becomes the latest. */
  newest: Record<string, string>;
  /** What is known to exist and is not in the snapshot. Such a snapshot never becomes the latest. */
  missing: string[];
  files: SnapshotFile[];
  /** HMAC-SHA256 over everything above with the key of the snapshots. */
  seal: string;
}

/** Canonical text of a JSON value: keys sorted at every level, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

export function sealManifest(manifest: Omit<Manifest, 'seal'>, key: Uint8Array): Manifest {
  return { ...manifest, seal: hmac(manifest, key) };
}

/** Whether the manifest is the one that was written with this key. */
export function manifestIsWhole(manifest: Manifest, key: Uint8Array): boolean {
  const { seal, ...rest } = manifest;
  const expected = Buffer.from(hmac(rest, key));
  const given = Buffer.from(String(seal));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function hmac(manifest: Omit<Manifest, 'seal'>, key: Uint8Array): string {
  return createHmac('sha256', key)
    .update(`manifest\n${canonical(manifest)}`)
    .digest('hex');
}

import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Dump {
  path: string;
  name: string;
  bytes: number;
  /** When pg_dump finished it. */
  time: Date;
}

/** First bytes of pg_dump's custom format; plain SQL begins with this comment; gzip with its magic number. */
const CUSTOM = Buffer.from('PGDMP');
const PLAIN = '-- PostgreSQL database dump';
const PLAIN_END = '-- PostgreSQL database dump complete';

/**
 * The newest file of pg_dump in a folder; undefined while there never was one (the first night is still to come).
 *
 * @throws Error when it is older than `maxAgeHours`, or no dump
 */
export async function newestDump(folder: string, maxAgeHours: number, now: Date): Promise<Dump | undefined> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new Error(`${folder}: the dumps of the Woodpecker database cannot be read: ${error.message}`, {
      cause: error,
    });
  });
  const dumps: Dump[] = [];
  for (const name of names.filter(
    (candidate) => /\.(dump|pgdump|sql|gz)$/.test(candidate) && !candidate.startsWith('.'),
  )) {
    const path = join(folder, name);
    const facts = await stat(path);
    if (facts.isFile()) dumps.push({ path, name, bytes: facts.size, time: facts.mtime });
  }
  const newest = dumps.sort((a, b) => b.time.getTime() - a.time.getTime())[0];
  if (newest === undefined) return undefined;
  const hours = (now.getTime() - newest.time.getTime()) / 3_600_000;
  if (hours > maxAgeHours) {
    throw new Error(
      `${newest.path}: the newest dump is ${Math.floor(hours)} hours old (limit ${maxAgeHours}); see why its job fails`,
    );
  }
  await refuseOther(newest);
  return newest;
}

async function refuseOther(dump: Dump): Promise<void> {
  const file = await open(dump.path, 'r');
  try {
    const head = Buffer.alloc(Math.min(64, dump.bytes));
    await file.read(head, 0, head.length, 0);
    if (head.subarray(0, CUSTOM.length).equals(CUSTOM)) return;
    if (head[0] === 0x1f && head[1] === 0x8b) return;
    const tail = Buffer.alloc(Math.min(512, dump.bytes));
    await file.read(tail, 0, tail.length, dump.bytes - tail.length);
    if (head.toString('utf8').includes(PLAIN) && tail.toString('utf8').includes(PLAIN_END)) return;
  } finally {
    await file.close();
  }
  throw new Error(`${dump.path}: it is no whole dump of pg_dump (${dump.bytes} bytes); run the dump job again`);
}

export function readDump(dump: Dump): AsyncIterable<Uint8Array> {
  return createReadStream(dump.path) as AsyncIterable<Uint8Array>;
}

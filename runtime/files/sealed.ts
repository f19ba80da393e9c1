import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { writeAtomically } from './atomic.ts';

/** First bytes of every sealed file. */
const MAGIC = Buffer.from('SEALED1\n');
const NONCE = 12;
const TAG = 16;

export interface SealedFile {
  /** Of the sealed bytes as they stand on disk. */
  sha256: string;
  /** Size on disk. */
  bytes: number;
}

/**
 * The key of sealed files: 32 bytes as 64 hex digits (`openssl rand -hex 32`) or as base64.
 *
 * @throws Error when the file is missing or holds something else
 */
export async function readKey(path: string): Promise<Buffer> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new Error(`${path}: the key of the snapshots cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length !== 32) {
    throw new Error(`${path}: the key of the snapshots must be 32 bytes as 64 hex digits (openssl rand -hex 32)`);
  }
  return key;
}

/** Tells two keys apart without saying anything about them. */
export function keyFingerprint(key: Uint8Array): string {
  return createHash('sha256').update('sealed-file-key\n').update(key).digest('hex').slice(0, 16);
}

/**
 * Encrypts a stream into a file with AES-256-GCM; the file appears whole or not at all, with mode 0600.
 *
 * @param name bound into the seal: a file that was put in the place of another does not open
 */
export async function sealToFile(
  path: string,
  name: string,
  key: Uint8Array,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<SealedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  await writeAtomically(path, async (file) => {
    const put = async (piece: Uint8Array): Promise<void> => {
      if (piece.length === 0) return;
      hash.update(piece);
      bytes += piece.length;
      await writeWhole(file, piece);
    };
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(name));
    await put(Buffer.concat([MAGIC, nonce]));
    for await (const piece of source) await put(cipher.update(piece));
    await put(Buffer.concat([cipher.final(), cipher.getAuthTag()]));
  });
  return { sha256: hash.digest('hex'), bytes };
}

/**
 * Opens a sealed file. The pieces must not be used before the iteration ends without an error: only then the seal is
 * known to be whole.
 *
 * @throws Error for a truncated or altered file, another key, or another name
 */
export async function* openSealed(
  path: string,
  name: string,
  key: Uint8Array,
): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path, 'r');
  let size: number;
  let head: Buffer;
  let tag: Buffer;
  try {
    size = (await file.stat()).size;
    if (size < MAGIC.length + NONCE + TAG) throw new Error(`${path}: truncated (${size} bytes)`);
    head = Buffer.alloc(MAGIC.length + NONCE);
    await file.read(head, 0, head.length, 0);
    tag = Buffer.alloc(TAG);
    await file.read(tag, 0, TAG, size - TAG);
  } finally {
    await file.close();
  }
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error(`${path}: not a sealed file`);
  const decipher = createDecipheriv('aes-256-gcm', key, head.subarray(MAGIC.length));
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(tag);
  if (size > head.length + TAG) {
    const body = createReadStream(path, { start: head.length, end: size - TAG - 1 });
    for await (const piece of body as AsyncIterable<Buffer>) yield decipher.update(piece);
  }
  try {
    yield decipher.final();
  } catch (error) {
    throw new Error(`${path}: truncated, altered, or sealed with another key`, { cause: error });
  }
}

/** `openSealed` for files that fit into memory. */
export async function readSealed(path: string, name: string, key: Uint8Array): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of openSealed(path, name, key)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function writeWhole(file: FileHandle, piece: Uint8Array): Promise<void> {
  let done = 0;
  while (done < piece.length) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done);
    done += bytesWritten;
  }
}

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Names of unfinished files start with this; whoever lists a folder passes over them. */
export const UNFINISHED = '.unfinished-';

/** Flushes a folder, so that a rename or a new file in it survives a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems cannot flush a folder; they write it through anyway.
    if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await folder.close();
  }
}

/**
 * Writes a file so that its name shows the old content or the new, never a part: write, fsync, rename. A failure (disk
 * full, for one) leaves the old file as it was and nothing beside it.
 *
 * @param write fills the open file
 * @param mode permission bits. @default 0o600
 */
export async function writeAtomically(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  mode = 0o600,
): Promise<void> {
  const folder = dirname(path);
  const unfinished = join(folder, `${UNFINISHED}${basename(path)}-${process.pid}-${Date.now().toString(36)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const file = await open(unfinished, 'wx', mode);
    try {
      await write(file);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw explained(error, path);
  }
}

/** `writeAtomically` for content that is at hand. */
export function writeFileAtomically(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  return writeAtomically(path, (file) => file.writeFile(content), mode);
}

/** Says in words what the usual error codes of file systems mean, with the file's name. */
export function explained(error: unknown, path: string): Error {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const meaning: Record<string, string> = {
    ENOSPC: 'the disk is full: free space on the volume and run again; nothing was changed',
    EDQUOT: 'the quota of the volume is used up: raise it and run again; nothing was changed',
    EFBIG: 'the file grew past the size limit of this volume or process; nothing was changed',
    EROFS: 'the volume is read-only: check its export and mount options',
    EACCES: 'no permission: the folder must belong to the user that this program runs as',
    EPERM: 'no permission: the folder must belong to the user that this program runs as',
    ESTALE: 'the file handle is stale: the export of the volume was changed; mount it again',
    EIO: 'the volume does not answer (input/output error)',
  };
  const words = code === undefined ? undefined : meaning[code];
  if (words === undefined) return error instanceof Error ? error : new Error(String(error));
  return new Error(`${path}: ${words}`, { cause: error });
}

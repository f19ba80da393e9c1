import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

/** A file to write: its path is relative to the folder, with forward slashes. */
export interface TreeFile {
  readonly path: string;
  readonly content: string;
  readonly executable: boolean;
}

/** What writing a tree changed. */
export interface TreeChange {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/** Paths of all files below a folder, relative, sorted. A missing folder has none. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

/**
 * Makes a folder hold exactly these files. A file whose content is right is left alone; each other one is replaced whole
 * (written beside it, synced, renamed), and files that are not in the list are removed.
 */
export function writeTree(folder: string, files: readonly TreeFile[]): TreeChange {
  const wanted = new Set(files.map((file) => file.path));
  const written = files.filter((file) => replaceFile(path.join(folder, file.path), file)).map((file) => file.path);
  const removed = filesBelow(folder).filter((file) => !wanted.has(file));
  for (const file of removed) unlinkSync(path.join(folder, file));
  removeEmptyFolders(folder);
  return { written, removed };
}

function replaceFile(target: string, file: TreeFile): boolean {
  const mode = file.executable ? 0o755 : 0o644;
  if (existsSync(target) && readFileSync(target, 'utf8') === file.content) {
    const current = statSync(target).mode & 0o111;
    if ((current !== 0) === file.executable) return false;
    chmodSync(target, mode);
    return true;
  }
  mkdirSync(path.dirname(target), { recursive: true });
  const beside = `${target}.new-${process.pid}`;
  const handle = openSync(beside, 'w', mode);
  writeSync(handle, file.content);
  fsyncSync(handle);
  closeSync(handle);
  chmodSync(beside, mode);
  renameSync(beside, target);
  return true;
}

function removeEmptyFolders(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(path.join(folder, entry.name));
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A checkout on this machine. */
export class Checkout {
  readonly root: string;

  /** @throws Error if the folder is not the root of a Git working copy */
  constructor(root: string) {
    this.root = path.resolve(root);
    if (!existsSync(path.join(this.root, '.git'))) {
      throw new Error(`${this.root} is not the root of a Git working copy; give the folder that holds .git`);
    }
  }

  /** True if a file or folder is there. */
  has(relative: string): boolean {
    return existsSync(path.join(this.root, relative));
  }

  isFolder(relative: string): boolean {
    return this.has(relative) && lstatSync(path.join(this.root, relative)).isDirectory();
  }

  /**
   * Content of a file, undefined if there is none.
   * @throws Error if it is no plain file: a link could lead out of the checkout
   */
  read(relative: string): string | undefined {
    const file = path.join(this.root, relative);
    if (!existsSync(file)) {
      return undefined;
    }
    if (!lstatSync(file).isFile()) {
      throw new Error(`${relative} is no plain file; replace it by one`);
    }
    return readFileSync(file, 'utf8');
  }

  isExecutable(relative: string): boolean {
    return (lstatSync(path.join(this.root, relative)).mode & 0o100) !== 0;
  }

  /** All plain files below a folder, sorted; none if there is no such folder. */
  filesBelow(folder: string): readonly string[] {
    if (!this.isFolder(folder)) {
      return [];
    }
    return readdirSync(path.join(this.root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(this.root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
      .sort();
  }

  /** Paths that differ from the last commit, as Git lists them. */
  uncommitted(): readonly string[] {
    return execFileSync('git', ['-C', this.root, 'status', '--porcelain', '--untracked-files=all'], {
      encoding: 'utf8',
    })
      .split('\n')
      .filter((line) => line !== '');
  }
}

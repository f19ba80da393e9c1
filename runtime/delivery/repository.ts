import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type GitRemote, git } from '../state/git.ts';

/** Who commits. Sensors know this name and start nothing for it. */
export const author = { name: 'delivery', email: 'delivery@invalid' } as const;

export interface Change {
  readonly remote: GitRemote;
  /** Branch that the change starts from. */
  readonly from: string;
  /** Branch that it is pushed to. @default - the same branch */
  readonly to?: string;
  readonly message: string;
  /** Changes files in the folder; runs again, on the newest state, when somebody else pushed first. */
  edit(folder: string): Promise<void>;
  /** Tries when others push at the same time. @default 6 */
  readonly attempts?: number;
  /** Milliseconds before the second try; they double. @default 500 */
  readonly pause?: number;
}

export interface Changed {
  /** False when the files were as wanted already: nothing is committed. */
  readonly changed: boolean;
  /** The commit that has the change. */
  readonly commit: string;
}

/**
 * Commits a change to a branch and pushes it. Where the push is refused because the branch moved on, the change is made again
 * on top of the newest commit: it says what a file should hold, so it cannot conflict.
 *
 * @throws Error when the branch moved on at every try, or the server refuses for another reason
 */
export async function commitChange(change: Change): Promise<Changed> {
  const folder = await mkdtemp(join(tmpdir(), 'change-'));
  const { remote, from, attempts = 6, pause = 500 } = change;
  const to = change.to ?? from;
  const here = { remote, cwd: folder };
  try {
    await git(['init', '--quiet', folder]);
    for (let attempt = 1; ; attempt += 1) {
      await git(['fetch', '--quiet', '--depth=1', '--', remote.url, `refs/heads/${from}`], here);
      await git(['checkout', '--quiet', '--force', '--detach', 'FETCH_HEAD'], here);
      await change.edit(folder);
      await git(['add', '--all'], here);
      const head = (await git(['rev-parse', 'HEAD'], here)).trim();
      if ((await git(['status', '--porcelain'], here)).trim() === '') return { changed: false, commit: head };
      await git(
        [
          '-c',
          `user.name=${author.name}`,
          '-c',
          `user.email=${author.email}`,
          'commit',
          '--quiet',
          '-m',
          change.message,
        ],
        here,
      );
      // A branch of one's own is rewritten, but only over what was seen there.
      const force = to === from ? [] : ['--force'];
      try {
        await git(['push', '--quiet', ...force, '--', remote.url, `HEAD:refs/heads/${to}`], here);
        return { changed: true, commit: (await git(['rev-parse', 'HEAD'], here)).trim() };
      } catch (error) {
        if (attempt >= attempts || !movedOn(error)) throw error;
        await delay(pause * 2 ** (attempt - 1) * (0.5 + Math.random()));
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function movedOn(error: unknown): boolean {
  return (
    error instanceof Error && /\[(remote )?rejected\]|fetch first|non-fast-forward|cannot lock ref/.test(error.message)
  );
}

/** Calls `use` with a work tree of a branch, its whole history included, and removes it afterwards. */
export async function withBranch<T>(
  remote: GitRemote,
  branch: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'branch-'));
  try {
    await git(['clone', '--quiet', '--single-branch', '--branch', branch, '--', remote.url, folder], { remote });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

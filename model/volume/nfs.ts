import type { Problem } from '../problems.ts';

/** An exported directory of an NFS server. */
export interface NfsShare {
  /** Address of the server. */
  readonly server: string;
  /** Absolute path of the export, without trailing slash. */
  readonly path: string;
}

/** A directory below the share, with the one user that keeps its data there. */
export interface ShareDirectory {
  /** Relative to the share, for example `woodpecker`. */
  readonly path: string;
  /** User id that owns it: NFS ignores fsGroup, so owner and consumer have to be the same. */
  readonly uid: number;
  /** Group id that owns it. */
  readonly gid: number;
  /** Permissions in octal, four digits. */
  readonly mode: string;
}

/** The absolute path of a directory on the server. */
export function absoluteDirectory(share: NfsShare, directory: string): string {
  return `${share.path}/${directory}`;
}

const relativePath = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

/**
 * Finds directories that cannot be used side by side (R13.3, R24.4): the same one twice, one inside another, a path that
 * leaves the share. Letter case counts as equal, because some servers ignore it.
 *
 * @param directories settings path -> directory relative to the share
 */
export function directoryProblems(directories: ReadonlyMap<string, string>): Problem[] {
  const entries = [...directories].map(([path, directory]) => ({ path, directory }));
  const malformed = entries
    .filter((entry) => !relativePath.test(entry.directory) || entry.directory.split('/').includes('..'))
    .map((entry) => ({
      path: entry.path,
      problem: `${JSON.stringify(entry.directory)} is no directory below the share`,
      remedy: 'write it relative to the share, like woodpecker or data/woodpecker, without "." and ".."',
    }));
  const overlaps = entries.flatMap((a, index) =>
    entries.slice(index + 1).flatMap((b) => {
      const relation = overlap(a.directory, b.directory);
      return relation
        ? [
            {
              path: b.path,
              problem: `${JSON.stringify(b.directory)} ${relation} ${JSON.stringify(a.directory)} of ${a.path}`,
              remedy: 'give each consumer a directory of its own, none inside another',
            },
          ]
        : [];
    }),
  );
  return [...malformed, ...overlaps];
}

/** How two directories overlap, in words; undefined if they do not. */
function overlap(a: string, b: string): string | undefined {
  const [x, y] = [`${a.toLowerCase()}/`, `${b.toLowerCase()}/`];
  if (x === y) return 'is the same directory as';
  if (y.startsWith(x)) return 'lies inside';
  return x.startsWith(y) ? 'contains' : undefined;
}

/** What a request line asks for, after everything ambiguous is refused. */
export interface RequestTarget {
  /** Path as it was sent, percent-encoding untouched. */
  readonly path: string;
  /** With its question mark; empty if there is none. */
  readonly query: string;
}

export const longestTarget = 8192;

/**
 * Reads the target of a request. A proxy and the server behind it must never read one target in two ways, so whatever
 * could be read in two ways is refused: absolute and authority form, dot segments (also encoded), backslashes, encoded
 * slashes, control characters, percent-encoding that is broken or no UTF-8, fragments.
 *
 * @returns undefined if the target is refused
 */
export function parseTarget(target: string): RequestTarget | undefined {
  if (target.length > longestTarget || !target.startsWith('/') || target.startsWith('//')) return undefined;
  if (!/^[\x21-\x7e]*$/.test(target) || /[\\#]/.test(target)) return undefined;
  if (/%(?![0-9a-fA-F]{2})/.test(target)) return undefined;
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  if (/%(2f|5c|00|0d|0a)/i.test(path)) return undefined;
  const segments = path.split('/').map((segment) => segment.replace(/%2e/gi, '.'));
  if (!isUtf8(path)) return undefined;
  if (segments.some((segment) => segment === '.' || segment === '..')) return undefined;
  return { path, query };
}

function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether the desk itself answers, rather than Kargo. Any spelling that a lenient server might take for it counts too. */
export function isDeskPath(path: string): boolean {
  const plain = path.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return plain.toLowerCase() === '/desk' || plain.toLowerCase().startsWith('/desk/');
}

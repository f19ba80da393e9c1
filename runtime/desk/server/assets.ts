import { createHash } from 'node:crypto';

/** A file that the desk serves; its address changes with its content, so browsers may keep it for ever. */
export interface Asset {
  /** `/desk/assets/<name>-<hash>.<ending>` */
  readonly address: string;
  readonly type: string;
  readonly content: string;
}

export function asset(name: string, ending: 'js' | 'css', content: string): Asset {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return {
    address: `/desk/assets/${name}-${hash}.${ending}`,
    type: ending === 'js' ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
    content,
  };
}

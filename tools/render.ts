import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RenderContext } from '../constructs/core/index.ts';

/** A render context that reads the bundles of tools/build.mjs from a folder. */
export function contextFrom(buildFolder: string): RenderContext {
  const read = (file: string): string => {
    try {
      return readFileSync(path.join(buildFolder, file), 'utf8');
    } catch (cause) {
      throw new Error(`${file} is not built; run \`node tools/build.mjs\` first`, { cause });
    }
  };
  return {
    program: (name) => read(`runtime/${name}.cjs`),
    browserCode: (name) => read(`browser/${name}.js`),
  };
}

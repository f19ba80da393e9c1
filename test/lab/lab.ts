import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * A program that is built by hand for these tests, from the official sources at the pinned version: `kargo`, `gitea`, ... in
 * the folder PIPELINES_LAB.
 */
export function labProgram(name: string): string {
  const folder = process.env.PIPELINES_LAB;
  if (folder === undefined) throw new Error('PIPELINES_LAB names no folder; set it to the one with the real programs');
  const file = path.join(folder, name);
  if (!existsSync(file)) throw new Error(`${name} is missing in ${folder}; build it from the official sources`);
  return file;
}

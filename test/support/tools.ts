import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');

/** Folder of the control plane's programs, built by .ci/run. */
export const planeFolder = process.env.LOCALPLANE_BIN ?? path.join(cache, 'localplane/bin');

/** Folder of kubectl, helm, kwok and the other programs of tools/go-tools.txt, built by .ci/run. */
export const toolsFolder = process.env.PIPELINES_TOOLS ?? path.join(cache, 'pipelines-tools/bin');

/** The path of a program that tests need; a clear error where it was not built. */
export function tool(name: string): string {
  const file = path.join(toolsFolder, name);
  if (!existsSync(file)) throw new Error(`${name} is missing in ${toolsFolder}; \`bash .ci/run\` builds it`);
  return file;
}

/** The environment in which scripts find these programs first. */
export function environmentWithTools(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${toolsFolder}:${process.env.PATH}`, ...more };
}

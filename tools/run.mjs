// Runs a TypeScript tool of this repository: node tools/run.mjs tools/x.ts [arguments]
import { pathToFileURL } from 'node:url';
import { buildTool } from './build.mjs';

const [entry, ...rest] = process.argv.slice(2);
if (!entry) {
  console.error('usage: node tools/run.mjs FILE.ts [arguments]');
  process.exit(2);
}
const file = await buildTool(entry);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(file).href);

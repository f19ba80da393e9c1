// Bundles the program (main.ts -> build/main.cjs) and the run-time programs (runtime/<name>/main.ts -> build/runtime/<name>.cjs).
// `node tools/build.mjs` builds everything; it is a module too, so that tests and tools build what they need once.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { shakableK8s } from './shakable-k8s.mjs';
import { textFileEndings } from './text-files.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const textLoaders = Object.fromEntries(textFileEndings.map((ending) => [ending, 'text']));

/** zod brings its messages in fifty languages; the program speaks one. */
const oneLanguage = {
  name: 'one-language',
  setup(bundle) {
    bundle.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'warning',
  loader: textLoaders,
  plugins: [oneLanguage],
};

/** Names of the run-time programs: every folder under runtime/ that has a main.ts. */
export function programNames() {
  return readdirSync(path.join(root, 'runtime'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(root, 'runtime', entry.name, 'main.ts')))
    .map((entry) => entry.name)
    .sort();
}

/** Bundles of code that runs in a browser: runtime/<program>/browser/<name>.ts -> build/browser/<name>.js. */
function browserEntries() {
  return programNames().flatMap((program) => {
    const folder = path.join(root, 'runtime', program, 'browser');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((file) => file.endsWith('.entry.ts'))
      .map((file) => ({ in: path.join(folder, file), out: file.replace('.entry.ts', '') }));
  });
}

/** Each program is bundled by itself, so that an error in one leaves the others usable. */
export async function buildRuntime() {
  const programs = programNames().map((name) =>
    build({
      ...common,
      entryPoints: [{ in: `runtime/${name}/main.ts`, out: name }],
      outdir: 'build/runtime',
      outExtension: { '.js': '.cjs' },
    }),
  );
  const pages = browserEntries().map((entry) =>
    build({
      ...common,
      platform: 'browser',
      target: 'es2022',
      format: 'iife',
      entryPoints: [entry],
      outdir: 'build/browser',
    }),
  );
  const failed = (await Promise.allSettled([...programs, ...pages])).filter((result) => result.status === 'rejected');
  if (failed.length > 0)
    throw new AggregateError(
      failed.map((result) => result.reason),
      failed.map((result) => result.reason.message).join('\n'),
    );
}

export async function buildMain() {
  await build({
    ...common,
    entryPoints: [{ in: 'main.ts', out: 'main' }],
    outdir: 'build',
    outExtension: { '.js': '.cjs' },
    // cdk8s loads the large `yaml` package to print documents; rendering prints them itself (constructs/core).
    plugins: [...common.plugins, shakableK8s],
    alias: { yaml: './tools/yaml-stand-in.mjs' },
    // An error that nobody catches prints its line of code; a person should see the message after it.
    lineLimit: 160,
  });
}

/** Bundles one tool of the repository, with its packages left outside, and gives the file to run. */
export async function buildTool(entry) {
  const outfile = path.join('build/tools', `${entry.replace(/\.ts$/, '').replaceAll('/', '-')}.mjs`);
  await build({ ...common, entryPoints: [entry], outfile, format: 'esm', minify: false, packages: 'external' });
  return path.join(root, outfile);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await Promise.all([buildMain(), buildRuntime()]).catch((error) => {
    // What esbuild finds in the sources it has printed itself.
    if (error.errors === undefined) console.error(error.message);
    process.exitCode = 1;
  });
}

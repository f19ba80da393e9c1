// Lists what a system needs from elsewhere, and copies it to a registry: npm run mirror -- --help
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { copyAll, imagesIn, type Run, releasesIn, targetOf, writeDigests } from './mirror/mirror.ts';

const usage = `usage: npm run mirror -- --registry HOST/PATH [--system NAME] [--copy]
  --registry HOST/PATH  where copies lie, for example registry.example.org/mirror
  --system NAME         a folder of dist/ (default: stonks-oracle)
  --copy                copy (needs helm, and crane or skopeo) and write systems/NAME/mirror.json`;

const run: Run = (program, args) => {
  const { status, stdout, stderr, error } = spawnSync(program, [...args], { encoding: 'utf8' });
  return {
    ok: status === 0,
    stdout: stdout ?? '',
    problem: error
      ? `${program} cannot be run (${(error as NodeJS.ErrnoException).code})`
      : (stderr.trim().split('\n').at(-1) ?? ''),
  };
};

function options() {
  return parseArgs({
    options: {
      registry: { type: 'string' },
      system: { type: 'string', default: 'stonks-oracle' },
      copy: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

function refused(problem: string): number {
  console.error(`${problem}\n${usage}`);
  return 2;
}

function main(): number {
  let values: ReturnType<typeof options>;
  try {
    values = options();
  } catch (error) {
    return refused((error as Error).message);
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const { registry } = values;
  if (registry === undefined) return refused('--registry is missing');
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/.test(registry))
    return refused(
      `${JSON.stringify(registry)} is no registry; write it like registry.example.org/mirror, without https://`,
    );
  const dist = path.join('dist', values.system);
  const file = 'helm/releases.yaml';
  if (!existsSync(path.join(dist, file))) {
    const systems = existsSync('dist')
      ? readdirSync('dist').filter((name) => existsSync(path.join('dist', name, file)))
      : [];
    return refused(
      `${dist}/${file} does not exist; systems with charts: ${systems.join(', ') || 'none, run npm run synth'}`,
    );
  }
  const releases = releasesIn(readFileSync(path.join(dist, file), 'utf8'));
  const { images, problems } = imagesIn(dist, releases, run);
  for (const image of images) console.log(`image  ${image}\n    -> ${targetOf(image, registry)}`);
  for (const { chart, version } of releases) console.log(`chart  ${chart} ${version}\n    -> oci://${registry}/charts`);
  if (values.copy) {
    const work = mkdtempSync(path.join(tmpdir(), 'mirror-'));
    try {
      const copied = copyAll(images, releases, registry, work, run);
      problems.push(...copied.problems);
      const file = path.join('systems', values.system, 'mirror.json');
      writeDigests(file, copied.digests);
      console.log(`${Object.keys(copied.digests).length} of ${images.length} images copied; digests in ${file}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  for (const problem of problems) console.error(`not mirrored: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

// Whoever reads only the first lines (`| head`) ends the program, not with a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = main();

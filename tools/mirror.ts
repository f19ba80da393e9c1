// Lists what a system needs from elsewhere, and copies it to a registry: npm run mirror -- --help
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
  return { ok: status === 0, stdout: stdout ?? '', problem: error?.message ?? stderr.trim().split('\n').at(-1) ?? '' };
};

function main(): number {
  const { values } = parseArgs({
    options: {
      registry: { type: 'string' },
      system: { type: 'string', default: 'stonks-oracle' },
      copy: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.registry === undefined) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const dist = path.join('dist', values.system);
  const releases = releasesIn(readFileSync(path.join(dist, 'helm/releases.yaml'), 'utf8'));
  const { images, problems } = imagesIn(dist, releases, run);
  const { registry } = values;
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

process.exitCode = main();

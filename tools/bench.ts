// Prints how long a synth takes, as ratios: npm run bench
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { SystemOutput } from '../constructs/core/index.ts';
import { KubeConfigMap } from '../imports/k8s.ts';

const rounds = 9;
const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));

/** Milliseconds from the start of a Node process to its end. */
function timeOf(args: readonly string[]): number {
  const started = performance.now();
  const result = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (result.status !== 0) throw new Error(`node ${args.join(' ')} ended with ${result.status}`);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Runs the commands in turn, so that a busy moment hits each of them alike, and gives their medians. */
function medians(commands: ReadonlyArray<readonly string[]>): number[] {
  for (const args of commands) timeOf(args);
  const times = Array.from({ length: rounds }, () => commands.map(timeOf));
  return commands.map((_, index) => median(times.map((round) => round[index] ?? 0)));
}

try {
  const synth = ['build/main.cjs', '--out', folder];
  const [floor = 1, stonks = 0, all = 0] = medians([['-e', '0'], [...synth, '--system', 'stonks-oracle'], synth]);
  console.log(`synth of stonks-oracle: ${(stonks / floor).toFixed(2)} x \`node -e 0\` (target: at most 3)`);
  console.log(`synth of all systems:   ${(all / floor).toFixed(2)} x \`node -e 0\``);
} finally {
  rmSync(folder, { recursive: true });
}

/** One system of so many small objects, ten in a file. */
function renderObjects(count: number): number {
  const started = performance.now();
  const output = new SystemOutput('bench');
  for (let file = 0; file < count / 10; file++) {
    const chart = output.chart(`objects/${file}`, { namespace: 'bench' });
    for (let index = 0; index < 10; index++) {
      new KubeConfigMap(chart, `ConfigMap${index}`, {
        metadata: { name: `object-${file}-${index}` },
        data: { key: 'value', text: 'line\n'.repeat(20) },
      });
    }
  }
  output.files();
  return (performance.now() - started) / count;
}

renderObjects(200);
const perObject = [200, 2_000, 10_000].map((count) => ({ count, milliseconds: renderObjects(count) }));
const smallest = perObject[0]?.milliseconds ?? 1;
for (const { count, milliseconds } of perObject) {
  console.log(
    `${String(count).padStart(6)} objects: ${milliseconds.toFixed(3)} ms each, ${(milliseconds / smallest).toFixed(2)} x the time of one of 200`,
  );
}

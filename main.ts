import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import type { System } from './constructs/core/index.ts';
import { SettingsError } from './model/problems.ts';
import { systems } from './systems/index.ts';
import { contextFrom } from './tools/render.ts';
import { writeTree } from './tools/write-tree.ts';

const usage = `usage: npm run synth -- [--system NAME]... [--out DIR]
  --system NAME  render only this system (may be repeated); one of ${systems.map((s) => s.name).join(', ')}
  --out DIR      write below this folder instead of dist/`;

/** Renders the chosen systems in memory first, so that an error in one leaves every file as it was. */
function main(): number {
  const started = performance.now();
  const chosen = chooseSystems();
  if (typeof chosen === 'string') {
    console.error(`${chosen}\n${usage}`);
    return 2;
  }
  const context = contextFrom(__dirname);
  const failures: string[] = [];
  const rendered = chosen.systems.flatMap((system) => {
    try {
      return [{ system, files: system.render(context) }];
    } catch (error) {
      failures.push(error instanceof SettingsError ? error.message : `${system.name}: ${(error as Error).stack}`);
      return [];
    }
  });
  if (failures.length > 0) {
    console.error(`${failures.join('\n\n')}\n\nnothing was written`);
    return 1;
  }
  for (const { system, files } of rendered) {
    const folder = path.join(chosen.out, system.name);
    const { written, removed } = writeTree(folder, files);
    const objects = files.reduce((sum, file) => sum + file.objects.length, 0);
    console.log(
      `${system.name}: ${files.length} files, ${objects} objects -> ${folder} (${written.length} changed, ${removed.length} removed)`,
    );
  }
  console.log(`${Math.round(performance.now() - started)} ms`);
  return 0;
}

function chooseSystems(): { systems: readonly System[]; out: string } | string {
  try {
    const { values } = parseArgs({ options: { system: { type: 'string', multiple: true }, out: { type: 'string' } } });
    const names = values.system ?? systems.map((system) => system.name);
    const unknown = names.filter((name) => !systems.some((system) => system.name === name));
    if (unknown.length > 0) return `no system is called ${unknown.join(', ')}`;
    return { systems: systems.filter((system) => names.includes(system.name)), out: values.out ?? 'dist' };
  } catch (error) {
    return (error as Error).message;
  }
}

process.exitCode = main();

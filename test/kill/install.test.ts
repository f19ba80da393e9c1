import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceVersions } from '../support/install/cluster-state.ts';
import { type Outcome, outcomeOf } from '../support/install/outcome.ts';
import { CallRecorder } from '../support/install/recorder.ts';
import { type TestSystem, World } from '../support/install/world.ts';
import { type Plane, startPlane } from '../support/plane.ts';
import { until } from '../support/processes.ts';

/** Systems side by side: most of a run is waiting for controllers. */
const workers = 6;

let plane: Plane;
let world: World;
let subjects: Subject[];

beforeAll(async () => {
  plane = await startPlane();
  world = await World.start(plane);
  subjects = [];
  for (let number = 1; number <= workers; number += 1) {
    const system = await world.add(`k${number}`, { reduced: true });
    subjects.push({ system, recorder: new CallRecorder(system.folder) });
  }
});

afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

interface Subject {
  readonly system: TestSystem;
  readonly recorder: CallRecorder;
}

const scripts = { install: ['runmefirst.sh'], teardown: ['runmelast.sh', '--purge'] } as const;
type Script = keyof typeof scripts;

describe('scripts that are killed at any of their commands', () => {
  it('lead to the same cluster, volume and forge when they run again', async () => {
    const first = subjects[0] as Subject;
    const undisturbed = await runUndisturbed(first);
    const { install, teardown } = undisturbed;
    expect(install.calls.length).toBeGreaterThan(50);
    expect(teardown.calls.length).toBeGreaterThan(25);

    const killed = { install: new Set<number>(), teardown: new Set<number>() };
    const untouched = firstChange(install.calls);
    await killBeforeAnyChange(first, untouched, killed.install);

    // Later positions first take the other subjects; each position is a whole life of its subject.
    const positions = Array.from(
      { length: Math.max(install.calls.length - untouched, teardown.calls.length) },
      (_, i) => i + 1,
    );
    const next = () => positions.shift();
    await Promise.all(
      subjects.map(async (subject) => {
        for (let position = next(); position !== undefined; position = next()) {
          await liveOnce(subject, { install: untouched + position, teardown: position }, undisturbed, killed);
        }
      }),
    );

    console.log(
      `killed at ${killed.install.size} commands of runmefirst.sh and ${killed.teardown.size} of runmelast.sh`,
    );
    expect(killed.install.size).toBe(install.calls.length);
    expect(killed.teardown.size).toBe(teardown.calls.length);
  });
});

interface Run {
  readonly calls: readonly string[];
  readonly outcome: Outcome;
}

async function runUndisturbed({ system, recorder }: Subject): Promise<Record<Script, Run>> {
  const result = {} as Record<Script, Run>;
  for (const script of ['install', 'teardown'] as const) {
    recorder.clear();
    expect(await execute({ system, recorder }, script)).toMatchObject({ code: 0 });
    result[script] = { calls: recorder.calls(), outcome: await outcomeOf(system) };
    if (script === 'install') await settled(system, result[script].outcome);
  }
  return result;
}

/** The number of calls before the first that can change anything. */
function firstChange(calls: readonly string[]): number {
  return calls.findIndex((call) => / (apply|patch|delete|upgrade|push) /.test(call) && !call.includes('--dry-run'));
}

/** Nothing has changed yet: then another run is the undisturbed one. */
async function killBeforeAnyChange(subject: Subject, count: number, killed: Set<number>): Promise<void> {
  const { system } = subject;
  wipe(system);
  const mine = (key: string) => key.includes(system.name);
  const before = await resourceVersions(plane, mine);
  for (let position = 1; position <= count; position += 1) {
    expect(await execute(subject, 'install', position)).toMatchObject({ signal: 'SIGKILL' });
    expect(await resourceVersions(plane, mine), `killed at ${position}`).toEqual(before);
    expect(system.files(system.volume)).toEqual({});
    killed.add(position);
  }
}

/** Install and teardown of a system that starts from nothing, each killed once and run again. */
async function liveOnce(
  subject: Subject,
  position: Record<Script, number>,
  undisturbed: Record<Script, Run>,
  killed: Record<Script, Set<number>>,
): Promise<void> {
  wipe(subject.system);
  for (const script of ['install', 'teardown'] as const) {
    const { calls, outcome } = undisturbed[script];
    const at = position[script];
    const where = `${script} killed at ${at}: ${calls[at - 1]}`;
    if (at <= calls.length) {
      const { signal, text } = await execute(subject, script, at);
      expect(signal, `${where}\n${text}`).toBe('SIGKILL');
      killed[script].add(at);
    }
    const again = await execute(subject, script);
    expect(again.code, `${where}\n${again.text}`).toBe(0);
    await settled(subject.system, outcome, where);
  }
}

/** Waits until controllers have caught up; then everything must be as expected. */
async function settled(system: TestSystem, expected: Outcome, where?: string): Promise<void> {
  let last: Outcome | undefined;
  await until(
    'the outcome',
    async () => {
      last = await outcomeOf(system);
      expect(last).toEqual(expected);
      return true;
    },
    30_000,
  ).catch(() => undefined);
  expect(last, where).toEqual(expected);
}

/** The system's volume, forge and operator are as on the first day. */
function wipe(system: TestSystem): void {
  for (const folder of [system.volume, system.forge, path.join(system.state, system.name)]) {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const folder of [system.volume, system.forge]) mkdirSync(folder, { recursive: true });
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

/** Runs a script in a process group of its own, which the recorder can kill whole. */
function execute({ system, recorder }: Subject, script: Script, killAt = 0): Promise<Ended> {
  recorder.clear();
  const [name, ...more] = scripts[script];
  return new Promise((resolve, reject) => {
    const child = spawn(
      'bash',
      [path.join(system.checkout, name), system.name, '--state', system.state, '--yes', ...more],
      { detached: true, env: system.environment(recorder.environment(killAt)), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let text = '';
    child.stdout.on('data', (part) => (text += part));
    child.stderr.on('data', (part) => (text += part));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, text }));
  });
}

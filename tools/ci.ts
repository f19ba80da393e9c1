// Runs every step of the gate and counts what passed: node tools/run.mjs tools/ci.ts
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Count {
  readonly passed: number;
  readonly failed: number;
}

interface Step {
  readonly name: string;
  run(): Count;
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: ReadonlyArray<{ readonly name: string; readonly status: string }>;
}

const reports = mkdtempSync(path.join(tmpdir(), 'ci-'));

/** Runs a command in view; true if it succeeded. */
function succeeds(command: string, args: readonly string[]): boolean {
  console.log(`\n$ ${command} ${args.join(' ')}`);
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

/** A step that is one command: it passes or fails as a whole. */
function command(name: string, program: string, ...args: string[]): Step {
  return { name, run: () => (succeeds(program, args) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }) };
}

/** Runs a test suite; a suite that cannot start, has no test or skips one has failed. */
function suite(script: string, more: readonly string[] = []): { count: Count; failedFiles: readonly string[] } {
  const file = path.join(reports, `${script.replace(':', '-')}-${more.length}.json`);
  const ok = succeeds('npm', [
    'run',
    '--silent',
    script,
    '--',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...more,
  ]);
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return { count: { passed: 0, failed: 1 }, failedFiles: [] };
  }
  const failed = report.numFailedTests + report.numPendingTests + report.numTodoTests;
  const failedFiles = report.testResults.filter((result) => result.status !== 'passed').map((result) => result.name);
  const unexplained = !ok || report.numPassedTests === 0 || failedFiles.length > 0;
  return { count: { passed: report.numPassedTests, failed: failed === 0 && unexplained ? 1 : failed }, failedFiles };
}

function tests(script: string): Step {
  return { name: script, run: () => suite(script).count };
}

/**
 * A suite of real servers and browsers. A file that failed is run once more by itself, and the report says so: a machine that
 * was busy for a moment is no defect, a test that fails twice is one.
 */
function testsOfRealParts(script: string): Step {
  return {
    name: script,
    run() {
      const first = suite(script);
      if (first.count.failed === 0 || first.failedFiles.length === 0) return first.count;
      console.log(`\nonce more, by themselves:\n  ${first.failedFiles.join('\n  ')}`);
      const second = suite(
        script,
        first.failedFiles.map((file) => path.relative('.', file)),
      );
      if (second.count.failed === 0) console.log(`passed at the second try: ${first.failedFiles.join(', ')}`);
      return {
        passed: first.count.passed + (second.count.failed === 0 ? first.count.failed : 0),
        failed: second.count.failed,
      };
    },
  };
}

/** dist/ as committed must be what a fresh synth has just written, without files that Git does not know. */
const distIsCommitted: Step = {
  name: 'dist/ is what synth writes',
  run() {
    const status = spawnSync('git', ['status', '--porcelain', '--', 'dist'], { encoding: 'utf8' });
    const differences = status.stdout.trim();
    if (status.status === 0 && differences === '') return { passed: 1, failed: 0 };
    console.log(`dist/ differs from what synth writes; run it and commit dist/:\n${differences}${status.stderr}`);
    return { passed: 0, failed: 1 };
  },
};

const steps: readonly Step[] = [
  tests('test'),
  command('synth', 'npm', 'run', '--silent', 'synth'),
  distIsCommitted,
  command('lint', 'npm', 'run', '--silent', 'lint'),
  command('typecheck', 'npm', 'run', '--silent', 'typecheck'),
  command('requirements', 'npm', 'run', '--silent', 'requirements', '--', '--check'),
  command('check', 'npm', 'run', '--silent', 'check'),
  command('bench', 'npm', 'run', '--silent', 'bench'),
  testsOfRealParts('test:cluster'),
  testsOfRealParts('test:browser'),
];

const results = steps.map((step) => {
  const started = Date.now();
  const count = step.run();
  return { name: step.name, ...count, seconds: Math.round((Date.now() - started) / 1000) };
});

console.log('');
for (const result of results) {
  console.log(
    `${result.failed === 0 ? 'ok    ' : 'FAILED'} ${result.name}: ${result.passed} passed, ${result.failed} failed, ${result.seconds} s`,
  );
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

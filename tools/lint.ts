// Lints the sources, every shell script (also rendered ones), and what must never stand in a commit.
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';

const tracked = git('ls-files', '--cached', '--others', '--exclude-standard').filter((file) =>
  lstatSync(file, { throwIfNoEntry: false })?.isFile(),
);
const problems: string[] = [];

function git(...args: string[]): string[] {
  return spawnSync('git', args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
    .stdout.split('\n')
    .filter(Boolean);
}

/** Runs a linter in view and notes its failure. */
function linter(name: string, program: string, args: readonly string[]): void {
  const result = spawnSync(program, args, { stdio: 'inherit' });
  if (result.error) problems.push(`${name} could not start: ${result.error.message}`);
  else if (result.status !== 0) problems.push(`${name} found something`);
}

function isShellScript(file: string): boolean {
  if (file.startsWith('examples/') && !file.endsWith('.sh')) return false;
  return file.endsWith('.sh') || /^#!.*\b(bash|sh)\n/.test(readFileSync(file, 'utf8').slice(0, 80));
}

linter('biome', 'node_modules/.bin/biome', ['check', '--error-on-warnings', '.']);
const scripts = tracked.filter(isShellScript);
if (scripts.length === 0) problems.push('no shell script was found to lint');
linter('shellcheck', 'shellcheck', ['--external-sources', ...scripts]);

// What ties a commit to one machine or to one registry of packages. A folder counts where a path begins, not inside one;
// root's home is no sign of a machine, since containers have it too.
const folders = [homedir(), process.cwd()]
  .filter((folder) => folder !== '/root')
  .map((folder) => new RegExp(`(?<![\\w.-])${folder.replaceAll('.', '\\.')}/`));
const registries = ['registry.npmjs.', 'proxy.golang.', 'pypi.'].map(
  (host) => new RegExp(`${host.replaceAll('.', '\\.')}org`),
);
for (const file of tracked.filter((name) => !name.endsWith('.png'))) {
  const text = readFileSync(file, 'utf8');
  for (const pattern of [...folders, ...registries]) {
    if (pattern.test(text)) problems.push(`${file} contains ${pattern.source}`);
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else {
  console.log(`lint: ${tracked.length} files, ${scripts.length} shell scripts`);
}

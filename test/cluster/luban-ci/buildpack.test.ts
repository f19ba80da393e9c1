import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../support/processes.ts';
import { fileText, renderedFiles } from '../../support/rendered.ts';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

const files = renderedFiles('luban-ci');
const folderOf = 'platform/buildpacks/python-uv';

/** In the place of uv: makes a real environment with whichever Python is there, with one package in it, and no network. */
const uv = `
echo "uv $*" >>"$UV_LOG"
case "$1" in
  python) mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython" ;;
  sync)
    [ "\${UV_FAILS:-}" = "" ] || { echo "error: the lockfile does not fit" >&2; exit 2; }
    python3 -m venv --without-pip "$UV_PROJECT_ENVIRONMENT"
    packages=$("$UV_PROJECT_ENVIRONMENT/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    mkdir -p "$packages/Some.Package-1.2.3.dist-info"
    printf 'Metadata-Version: 2.1\\nName: Some.Package\\nVersion: 1.2.3\\n' >"$packages/Some.Package-1.2.3.dist-info/METADATA"
    ;;
esac`;

let shell: ShellFolder;
let buildpack: string;
let app: string;
let layers: string;

beforeEach(() => {
  shell = shellFolder();
  shell.standIn('uv', uv);
  buildpack = path.join(shell.path, 'buildpack');
  app = path.join(shell.path, 'app');
  layers = path.join(shell.path, 'layers');
  mkdirSync(app);
  mkdirSync(layers);
  for (const file of files.filter((candidate) => candidate.path.startsWith(`${folderOf}/`))) {
    const target = path.join(buildpack, file.path.slice(folderOf.length + 1));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, file.content, { mode: file.executable ? 0o755 : 0o644 });
  }
});
afterEach(() => shell.remove());

const write = (name: string, text: string) => writeFileSync(path.join(app, name), text);
const layer = (name: string) => readFileSync(path.join(layers, name), 'utf8');

/** Runs a program of the buildpack as the lifecycle does. */
function phase(name: 'detect' | 'build', more: Readonly<Record<string, string>> = {}) {
  const plan = path.join(shell.path, 'plan.toml');
  return run(path.join(buildpack, 'bin', name), name === 'detect' ? [shell.path, plan] : [layers, shell.path, plan], {
    cwd: app,
    env: shell.environment({
      CNB_BUILDPACK_DIR: buildpack,
      CNB_LAYERS_DIR: layers,
      CNB_BUILD_PLAN_PATH: plan,
      UV_LOG: path.join(shell.path, 'uv.log'),
      ...more,
    }),
  });
}

describe('detect', () => {
  test.each<[string, Readonly<Record<string, string>>, number, RegExp]>([
    ['an empty folder is not its business', {}, 100, /no pyproject.toml/],
    ['a project without a lock neither', { 'pyproject.toml': '' }, 100, /run "uv lock"/],
    ['a locked project is', { 'pyproject.toml': '', 'uv.lock': '' }, 0, /^$/],
    [
      'a version is taken over',
      { 'pyproject.toml': '', 'uv.lock': '', '.python-version': '# ours\n\n3.12\n' },
      0,
      /^$/,
    ],
    [
      'a version that is none is refused',
      { 'pyproject.toml': '', 'uv.lock': '', '.python-version': '3.12"; x\n' },
      1,
      /write a version like 3.12/,
    ],
  ])('%s', async (_, written, code, message) => {
    for (const [name, text] of Object.entries(written)) write(name, text);
    const result = await phase('detect');
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    if (code !== 0) return;
    const plan = readFileSync(path.join(shell.path, 'plan.toml'), 'utf8');
    expect(plan).toContain('[[provides]]\nname = "python-uv"');
    expect(plan).toContain(`version = "${'.python-version' in written ? '3.12' : ''}"`);
  });
});

describe('build', () => {
  test('of the rendered scaffold installs what the lock says, with a bill of materials and a start command', async () => {
    const scaffold = files.filter(({ path: at }) => at.startsWith('scaffolds/payments/ledger/'));
    expect(scaffold.length).toBeGreaterThan(4);
    for (const { path: at, content } of scaffold) write(at.split('/').slice(3).join('/'), content);
    expect((await phase('detect')).code).toBe(0);
    const result = await phase('build');
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(readFileSync(path.join(shell.path, 'uv.log'), 'utf8')).toBe(
      'uv python install\nuv sync --frozen --no-dev\n',
    );
    expect(layer('launch.toml')).toBe(
      '[[processes]]\ntype = "web"\ncommand = ["bash", "-c"]\nargs = ["exec python main.py"]\ndefault = true\n\n',
    );
    expect(layer('venv.toml')).toContain('launch = true');
    expect(layer('cache.toml')).not.toContain('launch');
    const bill = JSON.parse(layer('launch.sbom.cdx.json')) as {
      bomFormat: string;
      components: Array<{ name: string; version: string; purl: string }>;
    };
    expect(bill.bomFormat).toBe('CycloneDX');
    expect(bill.components.map(({ name }) => name)).toEqual(['python', 'Some.Package']);
    expect(bill.components[1]).toMatchObject({ version: '1.2.3', purl: 'pkg:pypi/some-package@1.2.3' });
    expect(layer('venv.sbom.cdx.json')).toBe(layer('launch.sbom.cdx.json'));
    expect(layer('venv/env.launch/PATH.prepend')).toBe(path.join(layers, 'venv/bin'));
  });

  test('a second build over the layers of the first gives the same', async () => {
    write('pyproject.toml', '');
    write('uv.lock', '');
    write('main.py', '');
    expect((await phase('build')).code).toBe(0);
    const first = layer('launch.toml');
    expect((await phase('build')).code).toBe(0);
    expect(layer('launch.toml')).toBe(first);
  });

  test('each line of the Procfile is a process, the first the default; quotes survive', async () => {
    write('Procfile', '# processes\nweb: python -m "my app" --name="x\\y"\nworker: python work.py\n');
    expect((await phase('build')).stderr).toBe('');
    expect(layer('launch.toml')).toContain(
      'args = ["exec python -m \\"my app\\" --name=\\"x\\\\y\\""]\ndefault = true',
    );
    expect(layer('launch.toml')).toContain('type = "worker"');
    expect(layer('launch.toml').match(/default = true/g)).toHaveLength(1);
  });

  test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>, RegExp]>([
    ['nothing to start', {}, {}, /no Procfile and no main.py; add a Procfile/],
    ['a Procfile that is none', { Procfile: 'python main.py\n' }, {}, /is no "NAME: COMMAND"/],
    ['a lock that does not fit', { 'main.py': '' }, { UV_FAILS: 'yes' }, /lockfile does not fit/],
  ])('%s ends it with what to do', async (_, written, environment, message) => {
    for (const [name, text] of Object.entries(written)) write(name, text);
    const result = await phase('build', environment);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(message);
  });

  test('what it built starts', async () => {
    write('main.py', fileText(files, 'scaffolds/payments/ledger/main.py').replace('serve_forever()', 'server_close()'));
    expect((await phase('build')).code).toBe(0);
    const started = await run(path.join(layers, 'venv/bin/python'), ['main.py'], { cwd: app, env: { PORT: '0' } });
    expect(started.stderr).toBe('');
    expect(started.code).toBe(0);
  });
});

describe('what shell the system ships', () => {
  const scripts = files.filter((file) => /^#!.*\b(bash|sh)\b/.test(file.content));

  test.each(scripts.map((file) => [file.path, file.content] as const))(
    '%s is clean for shellcheck',
    async (_, content) => {
      const result = await run('shellcheck', ['-'], { input: content });
      expect(result.stdout).toBe('');
      expect(result.code).toBe(0);
    },
  );

  test('is all of it outside of objects: no step of a workflow is a script', () => {
    expect(scripts.map((file) => file.path).sort()).toEqual([
      `${folderOf}/bin/build`,
      `${folderOf}/bin/detect`,
      'platform/send-push.sh',
      'platform/stack/build-images.sh',
    ]);
  });
});

test('building the images again builds nothing that the registry has', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'stack-'));
  const log = path.join(folder, 'log');
  const present = path.join(folder, 'present');
  writeFileSync(present, '');
  shell.standIn(
    'docker',
    `case "$1 $2" in
      "manifest inspect") grep -qxF "$3" '${present}' ;;
      *) echo "docker $*" >>'${log}'; if [ "$1" = push ]; then echo "$2" >>'${present}'; fi ;;
    esac`,
  );
  shell.standIn('pack', `echo "pack $*" >>'${log}'; echo "$3" >>'${present}'`);
  const script = path.join(folder, 'build-images.sh');
  writeFileSync(script, fileText(files, 'platform/stack/build-images.sh'), { mode: 0o755 });
  try {
    const first = await run('bash', [script], { env: shell.environment() });
    expect(first.stderr).toBe('');
    const done = readFileSync(log, 'utf8');
    expect(done.split('\n').filter((line) => line.startsWith('docker build'))).toHaveLength(2);
    expect(done).toContain('pack buildpack package');
    const second = await run('bash', [script], { env: shell.environment() });
    expect(second.stdout.match(/is there already/g)).toHaveLength(3);
    expect(readFileSync(log, 'utf8')).toBe(done);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderFixture } from '../../support/install/fixture.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

let folder: string;
let checkout: string;
let bin: string;

/** A checkout with the small system, and a PATH on which kubectl and helm are scripts of the test. */
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'scripts-'));
  checkout = path.join(folder, 'checkout');
  bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const part of ['runmefirst.sh', 'runmelast.sh', 'install']) {
    cpSync(path.join(root, part), path.join(checkout, part), { recursive: true });
  }
  const facts = {
    name: 'small',
    forgeUrl: 'http://forge.invalid',
    registryUrl: 'http://127.0.0.1:1/',
    registryPort: 1,
  };
  for (const file of renderFixture(facts)) {
    const target = path.join(checkout, 'dist/small', file.path);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, file.content);
  }
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a script on the PATH; it notes its arguments and then does what the text says. */
function fake(name: string, text: string): void {
  const file = path.join(bin, name);
  writeFileSync(file, `#!/bin/bash\nprintf '%s\\n' "${name} $*" >> '${folder}/calls'\n${text}\n`);
  chmodSync(file, 0o755);
}

function calls(): readonly string[] {
  const file = path.join(folder, 'calls');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Programs that belong to any system. */
const ordinary = [
  'bash',
  'cat',
  'sed',
  'grep',
  'tail',
  'head',
  'mktemp',
  'rm',
  'mkdir',
  'mv',
  'dirname',
  'sync',
  'date',
  'tr',
  'wc',
  'cut',
  'sort',
  'base64',
  'sha256sum',
  'timeout',
];

function start(script: string, args: readonly string[] = []): Result {
  for (const name of ordinary) {
    const real = ['/usr/bin', '/bin'].map((place) => path.join(place, name)).find((file) => existsSync(file));
    if (real && !existsSync(path.join(bin, name))) symlinkSync(real, path.join(bin, name));
  }
  const { status, stdout, stderr } = spawnSync(
    '/bin/bash',
    [path.join(checkout, script), 'small', '--state', path.join(folder, 'state'), ...args],
    {
      env: { PATH: bin, HOME: folder },
      encoding: 'utf8',
    },
  );
  return { code: status, stdout, stderr };
}

/** Runs one function of the libraries, with the fields of a step. */
function call(text: string): Result {
  const parts = [
    'common',
    'plan',
    'preflight',
    'marker',
    'objects',
    'releases',
    'secrets',
    'repositories',
    'arc',
    'teardown',
    'status',
  ];
  const script = `set -euo pipefail
shopt -s inherit_errexit
root='${checkout}'
${parts.map((part) => `source "$root/install/${part}.sh"`).join('\n')}
system=small dist="$root/dist/small" state_root='${folder}/state' scratch=$(mktemp -d) plan_file=install/plan.tsv
trap 'rm -rf "$scratch"' EXIT
set_access
read_plan install/plan.tsv
${text}`;
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', script], {
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder },
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

describe('preflight', () => {
  it('names missing tools and an old kubectl together, and changes nothing', () => {
    fake(
      'kubectl',
      'case "$*" in *"version --client"*) echo \'"gitVersion": "v1.29.3"\' ;; *) echo "no route to host" >&2; exit 1 ;; esac',
    );
    const result = start('runmefirst.sh');
    expect(result.code).toBe(4);
    for (const problem of [
      'kubectl is 1.29.3',
      'helm is not installed',
      'git is not installed',
      'curl is not installed',
      'the cluster does not answer: no route to host',
      'the share at 127.0.0.1:1 cannot be reached',
    ]) {
      expect(result.stderr).toContain(problem);
    }
    expect(calls().filter((line) => / (apply|create|delete|patch) /.test(line))).toEqual([]);
    expect(existsSync(path.join(folder, 'state'))).toBe(false);
  });

  it('refuses a cluster that is too old, and a clock that is wrong', () => {
    fake(
      'kubectl',
      'case "$*" in *"get --raw /version"*) echo \'{"gitVersion": "v1.29.8+k3s1"}\' ;; *creationTimestamp*) date -u -d "10 minutes ago" +%Y-%m-%dT%H:%M:%SZ ;; *) exit 0 ;; esac',
    );
    const result = start('runmefirst.sh');
    expect(result.code).toBe(4);
    expect(result.stderr).toContain('the cluster runs Kubernetes v1.29.8+k3s1');
    expect(result.stderr).toMatch(/clock and this machine's differ by (599|60\d) s/);
  });

  it('shows the whole plan without any tool', () => {
    for (const [script, phases] of [
      ['runmefirst.sh', ['preflight: ', 'volumes: ', 'kargo-base: ', 'project-config: ']],
      ['runmelast.sh', ['quiet: ', 'snapshot: ', 'volumes: ']],
    ] as const) {
      const result = start(script, ['--dry-run']);
      expect(result.code, result.stderr).toBe(0);
      for (const phase of phases) expect(result.stdout).toContain(phase);
    }
    expect(calls()).toEqual([]);
  });

  it('shows what each step works on', () => {
    const shown = start('runmelast.sh', ['--dry-run']).stdout;
    expect(shown).toMatch(/^ {4}stop small-argocd statefulset\/argocd-application-controller$/m);
    expect(start('runmefirst.sh', ['--dry-run']).stdout).toMatch(/^ {4}require-kubernetes \(1\.30 or newer\)$/m);
  });

  it('says of a system without a plan how it is set up, and knows which option is whose', () => {
    mkdirSync(path.join(checkout, 'dist/by-hand'));
    writeFileSync(path.join(checkout, 'dist/by-hand/README.md'), '# By hand\n');
    const other = start('runmefirst.sh', ['by-hand', '--dry-run']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('dist/by-hand/README.md says how');
    const purge = start('runmefirst.sh', ['--purge']);
    expect(purge.code).toBe(2);
    expect(purge.stderr).toContain('an option of ./runmelast.sh');
  });

  it('compares versions by number', () => {
    const cases = [
      ['1.30', '1.30', 0],
      ['v1.34.4+k3s1', '1.30', 0],
      ['1.9', '1.30', 1],
      ['v3.17.0', '3.17', 0],
      ['3.8.2', '3.17', 1],
      ['2.0', '1.30', 0],
      ['v0.0.0-master+$Format', '1.30', 0],
      ['1.30-rc.1', '1.30', 0],
    ] as const;
    for (const [have, want, code] of cases) expect(call(`is_at_least '${have}' '${want}'`).code, have).toBe(code);
  });
});

describe('a secret', () => {
  const step = `step=([namespace]=n [name]=s [keys]=user:literal:me,password:random)`;
  const file = () => path.join(folder, 'state/small/secrets/n.s.yaml');
  const value = (key: string) => new RegExp(`${key}: (\\S+)`).exec(readFileSync(file(), 'utf8'))?.[1] ?? '';

  it('is generated once, kept for its owner only, and appears in no argument and no message', () => {
    fake('kubectl', 'exit 0');
    const result = call(`${step}; verb_secret`);
    expect(result.code, result.stderr).toBe(0);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const password = value('password');
    const plain = Buffer.from(password, 'base64').toString();
    expect(plain).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(value('user'), 'base64').toString()).toBe('me');
    const seen = `${calls().join('\n')}${result.stdout}${result.stderr}`;
    expect(seen).not.toContain(plain);
    expect(seen).not.toContain(password);
    expect(readdirSync(path.dirname(file()))).toEqual(['n.s.yaml']);

    expect(call(`${step}; verb_secret`).code).toBe(0);
    expect(value('password')).toBe(password);
  });

  it('of the cluster wins over the file, and is written only where a key is missing', () => {
    const answer = (keys: string) => `case "$*" in *"get secret"*) printf '${keys}' ;; esac`;
    fake('kubectl', answer('type - Opaque\\ndata user bWU=\\ndata password Y2x1c3Rlcg=='));
    expect(call(`${step}; verb_secret`).stdout).toContain('n/s: kept');
    expect(calls().filter((line) => line.includes(' apply '))).toEqual([]);
    expect(value('password')).toBe('Y2x1c3Rlcg==');

    fake('kubectl', answer('type - Opaque\\ndata user bWU='));
    expect(call(`${step}; verb_secret`).stdout).toContain('n/s: made');
    expect(calls().filter((line) => line.includes(' apply '))).toHaveLength(1);
    expect(value('password')).toBe('Y2x1c3Rlcg==');
  });

  it('is never generated because the cluster could not be asked', () => {
    fake('kubectl', 'echo "connection refused" >&2; exit 1');
    const result = call(`${step}; verb_secret`);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('connection refused');
    expect(existsSync(file())).toBe(false);
  });

  it('that only a person can provide stops the script with its path, unless it is optional', () => {
    fake('kubectl', 'exit 0');
    const provided = 'step=([namespace]=n [name]=s [keys]=token:provided';
    const result = call(`${provided}); verb_secret`);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('lacks token');
    expect(result.stderr).toContain(file());
    expect(call(`${provided} [required]=false); verb_secret`).code).toBe(0);

    mkdirSync(path.dirname(file()), { recursive: true });
    writeFileSync(file(), 'apiVersion: v1\nkind: Secret\nstringData:\n  token: by hand\n');
    expect(call(`${provided}); verb_secret`).code).toBe(0);
    expect(Buffer.from(value('token'), 'base64').toString()).toBe('by hand');
  });

  it('keeps the labels that its consumers look for', () => {
    fake('kubectl', 'exit 0');
    call('step=([namespace]=n [name]=s [keys]=a:random [labels]=app.kubernetes.io/part-of:argocd,x/y:z); verb_secret');
    const text = readFileSync(file(), 'utf8');
    expect(text).toContain('app.kubernetes.io/part-of: "argocd"');
    expect(text.match(/part-of/g)).toHaveLength(1);
    expect(text).toContain('x/y: "z"');
  });
});

describe('volumes', () => {
  it('are cleared only while they are Released', () => {
    fake(
      'kubectl',
      `case "$*" in *"get persistentvolumes"*) printf 'a Released c\\nb Bound c\\nd Available c\\n' ;; esac`,
    );
    const result = call('step=([names]=a,b,d); verb_clear_released_volumes');
    expect(result.code, result.stderr).toBe(0);
    const patches = calls().filter((line) => line.includes(' patch '));
    expect(patches).toHaveLength(1);
    expect(patches[0]).toContain('persistentvolume a ');
  });
});

describe('a release', () => {
  const step = 'step=([name]=kargo [namespace]=n [chart]=c [version]=1 [values]=helm/kargo.yaml [timeout]=5)';
  const history = (status: string, text: string) => `[{"revision":3,"status":"${status}","description":"${text}"}]`;

  it('that is stuck since an interrupted run is rolled back, or removed if it was the first', () => {
    fake('kubectl', 'exit 0');
    fake(
      'helm',
      `case "$*" in *"history kargo --namespace=n --max=1"*) if grep -q rollback '${folder}/calls'; then echo '${history('deployed', 'Rollback')}'; else echo '${history('pending-upgrade', 'x')}'; fi ;; *" history "*) echo '[{"revision":2,"status":"deployed","description":"pipelines whole a"},{"revision":3,"status":"pending-upgrade","description":"Preparing upgrade"}]' ;; esac`,
    );
    const result = call(`${step}; verb_release`);
    expect(result.code, result.stderr).toBe(0);
    expect(calls().some((line) => line.includes('rollback kargo 2'))).toBe(true);
    expect(calls().some((line) => line.includes(' upgrade kargo '))).toBe(true);

    rmSync(path.join(folder, 'calls'));
    fake(
      'helm',
      `case "$*" in *" history "*) if grep -q uninstall '${folder}/calls'; then echo "release: not found" >&2; exit 1; else echo '${history('pending-install', 'x')}'; fi ;; esac`,
    );
    expect(call(`${step}; verb_release`).code).toBe(0);
    expect(calls().some((line) => line.includes('uninstall kargo'))).toBe(true);
    expect(calls().some((line) => line.includes('rollback'))).toBe(false);
  });

  it('is not upgraded when nothing changed, and healed when one of its objects is gone', () => {
    fake('kubectl', 'exit 0');
    const digest = call(`${step}; release_digest`).stdout.trim();
    expect(digest).toMatch(/^[0-9a-f]{24}$/);
    fake(
      'helm',
      `case "$*" in *" history "*) echo '${history('deployed', `pipelines whole ${digest}`)}' ;; *"get manifest"*) echo 'kind: A' ;; esac`,
    );
    expect(call(`${step}; verb_release`).stdout).toContain('unchanged');
    expect(calls().some((line) => line.includes(' upgrade '))).toBe(false);

    fake('kubectl', 'exit 1');
    expect(call(`${step}; verb_release`).stdout).toContain('installed (whole)');
  });

  it('may have objects in several namespaces', () => {
    fake('kubectl', 'exit 0');
    const digest = call(`${step}; release_digest`).stdout.trim();
    const manifest = ['', 'kind: A', 'kind: B\\nmetadata:\\n  name: b\\n  namespace: other', 'kind: C'].join(
      '\\n---\\n',
    );
    fake(
      'helm',
      `case "$*" in *" history "*) echo '${history('deployed', `pipelines whole ${digest}`)}' ;; *"get manifest"*) printf '${manifest}' ;; esac`,
    );
    fake(
      'kubectl',
      `text=$(cat); case "$*" in *--namespace=n*) [[ $text == *"kind: A"*"kind: C"* && $text != *B* ]] ;; *) [[ $text == *"kind: B"* ]] ;; esac`,
    );
    expect(call(`${step}; verb_release`).stdout).toContain('unchanged');
    expect(calls().filter((line) => line.includes(' get ') && line.startsWith('kubectl'))).toHaveLength(2);
  });

  it('that was installed whole is never reduced to its base', () => {
    fake('helm', `case "$*" in *" history "*) echo '${history('deployed', 'Upgrade complete')}' ;; esac`);
    const result = call(`${step.replace(')', ' [mode]=base)')}; verb_release`);
    expect(result.stdout).toContain('already installed whole');
    expect(calls().some((line) => line.includes(' upgrade '))).toBe(false);
  });

  it('with an unreadable history stops the script', () => {
    fake('helm', 'echo "Kubernetes cluster unreachable" >&2; exit 1');
    const result = call(`${step}; verb_release`);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('cluster unreachable');
  });
});

describe('a Job', () => {
  const step = 'step=([path]=install/forge.yaml [namespace]=n [name]=j [timeout]=5 [what]=work)';

  it('that is left from an interrupted run is replaced, and a finished one removed', () => {
    fake('kubectl', `case "$*" in *"get jobs"*) printf 'n j\\n' ;; *" wait "*) printf Complete ;; esac`);
    expect(call(`${step}; verb_job`).code).toBe(0);
    const order = calls().map((line) => / (get jobs|delete job j|apply|wait job j) ?/.exec(line)?.[1]);
    expect(order).toEqual(['get jobs', 'delete job j', 'apply', 'wait job j', 'delete job j']);
  });

  it('that fails shows its log, stays, and stops the script', () => {
    fake(
      'kubectl',
      `case "$*" in *" wait "*) printf 'FailureTarget Failed' ;; *" logs "*) echo "what went wrong" ;; esac`,
    );
    const result = call(`${step}; verb_job`);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('what went wrong');
    expect(calls().some((line) => line.includes('delete job'))).toBe(false);
  });

  it('that does not end is a time-out', () => {
    fake('kubectl', `case "$*" in *" wait "*) echo "timed out" >&2; exit 1 ;; esac`);
    expect(call(`${step}; verb_job`).code).toBe(6);
  });

  it('is left out where there is nothing for it yet', () => {
    fake('kubectl', 'exit 0');
    const result = call(`${step.replace(')', ' [needs]=cronjob/dump)')}; verb_job`);
    expect(result.stdout).toContain('there is no cronjob/dump');
    expect(calls().some((line) => line.includes(' apply '))).toBe(false);
  });

  it('can be one run of a CronJob', () => {
    fake('kubectl', `case "$*" in *" wait "*) printf Complete ;; esac`);
    expect(call(`${step.replace('install/forge.yaml', 'cronjob/dump')}; verb_job`).code).toBe(0);
    expect(calls().some((line) => line.includes('create job j --namespace=n --from=cronjob/dump'))).toBe(true);
  });
});

describe('the last snapshot', () => {
  const step =
    "step=([project]=p [restore-mark]=n/mark [restore-done]=done [jobs]='teardown/snapshot.yaml|n|j' [timeout]=5)";
  const kubectl = (mark: string, end: string) =>
    fake(
      'kubectl',
      `case "$*" in *customresourcedefinitions*) echo customresourcedefinition.apiextensions.k8s.io/projects.kargo.akuity.io ;; *"get projects"*) echo p ;; *"get configmap mark"*) printf '${mark}' ;; *" wait "*) printf '${end}' ;; esac`,
    );

  it('is not taken of a cluster whose restore never finished', () => {
    kubectl('running', 'Complete');
    const result = call(`${step}; verb_final_snapshot`);
    expect(result.stdout).toContain('the restore never finished');
    expect(calls().some((line) => line.includes(' wait job'))).toBe(false);
  });

  it('is taken once for a teardown, also if the teardown is killed later', () => {
    kubectl('done', 'Complete');
    expect(call(`${step}; verb_final_snapshot`).stdout).toContain('taken and checked');
    const again = call(`marker_snapshot=2026-01-01T00:00:00Z; ${step}; verb_final_snapshot`);
    expect(again.stdout).toContain('already taken');
  });

  it('that fails stops the teardown unless it is forced', () => {
    kubectl('done', 'Failed');
    const refused = call(`${step}; verb_final_snapshot`);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('nothing was removed');
    expect(call(`force=true; ${step}; verb_final_snapshot`).code).toBe(0);
  });
});

describe('the scripts', () => {
  it('need nothing but bash, kubectl, helm, git, curl and what every Linux has', () => {
    const text = [
      'runmefirst.sh',
      'runmelast.sh',
      ...readdirSync(path.join(root, 'install'))
        .filter((name) => name.endsWith('.sh'))
        .map((name) => `install/${name}`),
    ]
      .map((name) => readFileSync(path.join(root, name), 'utf8'))
      .join('\n')
      .replaceAll(/^\s*#.*$/gm, '');
    for (const program of ['jq', 'yq', 'python', 'python3', 'node', 'perl', 'awk', 'openssl', 'htpasswd', 'docker']) {
      expect(text, program).not.toMatch(new RegExp(`(^|[|;(&]|\\$\\()\\s*${program}\\s`, 'm'));
    }
  });
});

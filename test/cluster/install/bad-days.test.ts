import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceVersions } from '../../support/install/cluster-state.ts';
import { namespacesOf } from '../../support/install/fixture.ts';
import { type TestSystem, World } from '../../support/install/world.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { freePorts, output, run, until } from '../../support/processes.ts';
import { tool } from '../../support/tools.ts';

const ns = namespacesOf('small');
const minutes = 60_000;

let plane: Plane;
let world: World;
let system: TestSystem;

beforeAll(async () => {
  plane = await startPlane();
  world = await World.start(plane);
  system = await world.add('small');
});

afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

/** Replaces text in the plan, for the length of one test. */
async function withPlan(change: (plan: string) => string, check: () => Promise<void>): Promise<void> {
  const file = path.join(system.checkout, 'dist/small/install/plan.tsv');
  const plan = readFileSync(file, 'utf8');
  const changed = change(plan);
  expect(changed).not.toBe(plan);
  writeFileSync(file, changed);
  try {
    await check();
  } finally {
    writeFileSync(file, plan);
  }
}

describe('preflight', { timeout: 2 * minutes }, () => {
  it('names every problem at once and changes nothing', async () => {
    const [closed] = (await freePorts(1)) as [number];
    const before = await resourceVersions(plane);
    const broken = (plan: string) =>
      plan
        .replace('minimum=1.30\n', 'minimum=99\n')
        .replace('minimum=3.17', 'minimum=99')
        .replace('name=curl', 'name=curl-of-the-future')
        .replace('name=ca-issuer', 'name=no-issuer')
        .replace('name=traefik', 'name=no-class')
        .replace('zone=America/New_York', 'zone=America/Nowhere')
        .replace('names=clusterissuers.cert-manager.io', 'names=gateways.example.invalid')
        .replace(/url=http:\/\/127.0.0.1:\d+/, `url=http://127.0.0.1:${closed}`)
        .replace(/port=\d+/, `port=${closed}`)
        .replace('required=false', 'required=true');
    await withPlan(broken, async () => {
      const result = await system.install();

      expect(result.code).toBe(4);
      expect(result.stderr).toContain('nothing was changed');
      for (const problem of [
        'curl-of-the-future is not installed',
        'no ClusterIssuer is called no-issuer',
        'no IngressClass is called no-class',
        'cannot evaluate the time zone America/Nowhere',
        'does not know gateways.example.invalid',
        `the registry at http://127.0.0.1:${closed}/v2/ cannot be reached`,
        `the share at 127.0.0.1:${closed} cannot be reached`,
        'Secret small-kargo/mirror lacks: token (the public mirror)',
        'uncommitted changes',
      ]) {
        expect(result.stderr).toContain(problem);
      }
    });
    expect(await resourceVersions(plane)).toEqual(before);
  });

  it('says so when the cluster does not answer, and still shows the plan with --dry-run', async () => {
    const nowhere = path.join(system.folder, 'nowhere.yaml');
    writeFileSync(nowhere, readFileSync(plane.kubeconfig, 'utf8').replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'));
    const refused = await system.script('runmefirst.sh', [], { KUBECONFIG: nowhere });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('the cluster does not answer');
    expect(refused.stderr.match(/the cluster does not answer/g)).toHaveLength(1);

    for (const script of ['runmefirst.sh', 'runmelast.sh']) {
      const shown = await system.script(script, ['--dry-run'], { KUBECONFIG: nowhere });
      expect(shown.code).toBe(0);
      expect(shown.stdout).toContain('volumes: ');
      expect(shown.stdout).toContain('clear-released-volumes small-kargo-pv');
    }
  });

  it('refuses a context that does not exist', async () => {
    const result = await system.install('--context', 'another');
    expect(result.code).toBe(4);
    expect(result.stderr).toContain('another');
  });

  it('asks before it touches a cluster that this machine has not seen', async () => {
    const before = await resourceVersions(plane);
    const result = await run('bash', [path.join(system.checkout, 'runmefirst.sh'), 'small', '--state', system.state], {
      env: system.environment(),
    });
    expect(result.code).toBe(3);
    expect(result.stdout).toContain('localplane at https://127.0.0.1');
    expect(await resourceVersions(plane)).toEqual(before);
  });

  it('knows its options, systems and phases', async () => {
    for (const wrong of [['--from', 'nowhere'], ['--frm'], ['--from']]) {
      const result = await system.install(...wrong);
      expect(result.code, wrong.join(' ')).toBe(2);
    }
    const other = await run('bash', [path.join(system.checkout, 'runmefirst.sh'), 'other'], {
      env: system.environment(),
    });
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('one of: small');
    expect((await system.install('--help')).stdout).toContain('exit codes');
  });
});

describe('an installed system', { timeout: 3 * minutes }, () => {
  beforeAll(async () => {
    const result = await system.install();
    expect(result.stderr + (result.code === 0 ? '' : result.stdout)).not.toContain('error:');
    expect(result.code).toBe(0);
  }, 3 * minutes);

  it('is not installed over by another one that holds the same names', async () => {
    const other = await world.add('other');
    const file = path.join(other.checkout, 'dist/other/install/plan.tsv');
    writeFileSync(file, readFileSync(file, 'utf8').replace('namespace/other-kargo', `namespace/${ns.kargo}`));
    await other.commit('takes a name of the first system');
    const before = await resourceVersions(plane);

    const result = await other.install();
    expect(result.code).toBe(4);
    expect(result.stderr).toContain(`system small is installed and holds namespace/${ns.kargo} too`);
    expect(result.stderr).toContain('./runmelast.sh small');
    expect(await resourceVersions(plane)).toEqual(before);
  });

  it('never gets a new password for a database that exists', async () => {
    const copy = path.join(system.state, `small/secrets/${ns.setUp}.database.yaml`);
    const kept = readFileSync(copy, 'utf8');
    rmSync(copy);
    await plane.kubectl(['delete', 'secret', 'database', '-n', ns.setUp]);

    const refused = await system.install('--from', 'secrets');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain(`Secret ${ns.setUp}/database is lost, but the state that it opens is still there`);
    expect((await plane.kubectl(['get', 'secret', 'database', '-n', ns.setUp])).code).not.toBe(0);

    writeFileSync(copy, kept, { mode: 0o600 });
    expect((await system.install('--from', 'secrets')).code).toBe(0);
    const back = await plane.request('GET', `/api/v1/namespaces/${ns.setUp}/secrets/database`);
    expect(kept).toContain(back.body.data.password);
  });

  it('takes a secret that a person wrote as plain text', async () => {
    const file = path.join(system.state, `small/secrets/${ns.kargo}.mirror.yaml`);
    writeFileSync(file, `apiVersion: v1\nkind: Secret\nstringData:\n  token: "by hand"\n`);
    const result = await system.install('--dry-run');
    expect(result.stdout + result.stderr).not.toContain('mirror lacks');
    rmSync(file);
  });

  it('does not overwrite commits that only the forge has', async () => {
    const clone = path.join(system.folder, 'clone');
    const repository = path.join(system.forge, 'pipelines.git');
    await output('git', ['clone', '--quiet', '--branch', 'main', repository, clone]);
    const identity = ['-c', 'user.name=x', '-c', 'user.email=x@example.invalid'];
    await output('git', ['-C', clone, ...identity, 'commit', '--quiet', '--allow-empty', '--message', 'elsewhere']);
    await output('git', ['-C', clone, 'push', '--quiet', 'origin', 'main']);
    const there = await system.forgeRevision();
    await system.git('commit', '--quiet', '--allow-empty', '--message', 'here');

    const result = await system.install('--from', 'repositories');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('pull them first');
    expect(await system.forgeRevision()).toBe(there);

    await system.git('pull', '--quiet', '--rebase', clone, 'main');
    expect((await system.install('--from', 'repositories')).code).toBe(0);
  });

  it('goes on after helm was killed in the middle of an upgrade', async () => {
    await leavePending(['upgrade', 'kargo'], ns.kargo);
    const result = await system.install('--from', 'argo-cd');
    expect(result.stdout + result.stderr).toContain('kargo: pending-upgrade since an interrupted run');
    expect(result.code).toBe(0);
    expect(await releaseStatus('kargo', ns.kargo)).toBe('deployed');
  });

  it('goes on after helm was killed in the middle of the first install', async () => {
    await output(tool('helm'), ['uninstall', 'argocd', '-n', ns.argoCd, '--wait'], { env: system.environment() });
    await leavePending(['install', 'argocd'], ns.argoCd);
    const result = await system.install('--from', 'argo-cd');
    expect(result.stdout + result.stderr).toContain('argocd: pending-install since an interrupted run');
    expect(result.code).toBe(0);
    expect(await releaseStatus('argocd', ns.argoCd)).toBe('deployed');
  });

  it('gets back what somebody deleted from a release', async () => {
    await plane.kubectl(['delete', 'deployment', 'kargo-controller', '-n', ns.kargo]);
    expect((await system.install('--from', 'kargo')).code).toBe(0);
    expect((await plane.kubectl(['get', 'deployment', 'kargo-controller', '-n', ns.kargo])).code).toBe(0);
  });

  it('says which Job failed, and leaves it for a closer look', async () => {
    rmSync(path.join(system.volume, 'database'), { recursive: true });
    const result = await system.install('--from', 'secrets');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`Job ${ns.setUp}/database failed`);
    expect((await plane.kubectl(['get', 'job', 'database', '-n', ns.setUp])).code).toBe(0);

    mkdirSync(path.join(system.volume, 'database'));
    expect((await system.install('--from', 'secrets')).code).toBe(0);
    expect((await plane.kubectl(['get', 'job', 'database', '-n', ns.setUp])).code).not.toBe(0);
  });

  it('is not removed while Argo CD keeps Applications of others', async () => {
    await plane.apply([
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: { name: 'foreign', namespace: ns.argoCd },
        spec: {},
      },
    ]);
    const result = await system.teardown();
    expect(result.code).toBe(5);
    expect(result.stderr).toContain('not of small: foreign');
    await plane.kubectl(['delete', 'application', 'foreign', '-n', ns.argoCd]);
  });
});

/** A release whose helm was killed while a hook ran. */
async function leavePending(what: readonly string[], namespace: string): Promise<void> {
  const chart = path.join(system.folder, `hook-${what[1]}`);
  const original = what[1] === 'kargo' ? 'kargo' : 'argo-cd';
  cpSync(path.join(system.checkout, 'test/support/install/charts', original), chart, { recursive: true });
  const hook = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'hook', annotations: { 'helm.sh/hook': 'pre-install,pre-upgrade' } },
    spec: {
      template: {
        spec: { restartPolicy: 'Never', containers: [{ name: 'hook', image: 'x', command: ['sleep', '300'] }] },
      },
    },
  };
  writeFileSync(path.join(chart, 'templates/hook.yaml'), JSON.stringify(hook));
  const values = path.join(system.checkout, 'dist/small/helm', `${original}.yaml`);
  const helm = run(tool('helm'), [...what, chart, '-n', namespace, '--values', values], {
    env: system.environment(),
    timeout: 6000,
  });
  await until('the release is pending', async () =>
    (await releaseStatus(what[1] ?? '', namespace)).startsWith('pending') ? true : undefined,
  );
  expect((await helm).signal).toBe('SIGKILL');
  await plane.kubectl(['delete', 'job', 'hook', '-n', namespace, '--ignore-not-found']);
}

async function releaseStatus(name: string, namespace: string): Promise<string> {
  const secrets = await plane.request(
    'GET',
    `/api/v1/namespaces/${namespace}/secrets?labelSelector=owner=helm,name=${name}`,
  );
  const items: Array<{ metadata: { labels: { version: string; status: string } } }> = secrets.body.items;
  const latest = items.map((item) => item.metadata.labels).sort((a, b) => Number(b.version) - Number(a.version))[0];
  return latest?.status ?? '';
}

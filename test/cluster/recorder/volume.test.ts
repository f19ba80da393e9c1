import { afterEach, describe, expect, it } from 'vitest';
import { output, until } from '../../support/processes.ts';
import { freight, promotion, stage } from '../../unit/recorder/objects.ts';
import { RecorderProgram } from './program.ts';
import { Stream } from './stream.ts';

let program: RecorderProgram;
afterEach(() => program.end());

describe('a recorder whose disk is full', () => {
  it('says so, keeps trying, and loses nothing', async () => {
    program = await RecorderProgram.make();
    const { cluster } = program;
    cluster.put('stages', stage('paper', ['beta']));
    cluster.put('freights', freight('f1'));
    const stream = new Stream(program);
    // Writes beyond 24 KiB fail in the middle of a line.
    const child = program.start(['bash', '-c', 'ulimit -S -f 24; exec "$0" "$@"']);
    const health = async () =>
      (await fetch(`${program.url}/healthz`)).json() as Promise<{ healthy: boolean; problems: string[] }>;
    const failing = await until('the recorder says that it cannot write', async () => {
      stream.step();
      const { problems } = await health();
      return problems.some((problem) => problem.includes('size limit')) ? problems : undefined;
    });
    expect(failing.join()).toContain(program.auditFolder);
    expect((await fetch(`${program.url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${program.url}/metrics`)).text()).toContain('pipelines_recorder_writable 0\n');
    for (let count = 0; count < 20; count += 1) stream.step();
    expect(program.records().length).toBeGreaterThan(10);

    await output('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
    stream.finish();
    const keys = () => program.records().flatMap((record) => ('promotion' in record ? [record.key] : []));
    await until('everything is recorded', async () => (keys().length >= stream.expected.size ? true : undefined));
    expect(new Set(keys())).toEqual(stream.expected);
    expect(keys()).toHaveLength(stream.expected.size);
    await until('all is well again', async () => ((await health()).healthy ? true : undefined));
  });
});

describe('a second recorder', () => {
  it('writes nothing while the first lives, and takes over when it has ended', async () => {
    program = await RecorderProgram.make();
    const { cluster } = program;
    cluster.put('leases', {
      metadata: { name: 'audit-recorder', namespace: 'kargo' },
      spec: { holderIdentity: 'another-pod', leaseDurationSeconds: 5, renewTime: new Date().toISOString() },
    });
    const renew = setInterval(() => {
      const lease = cluster.get('leases', 'audit-recorder')!;
      cluster.put('leases', { ...lease, spec: { ...(lease.spec as object), renewTime: new Date().toISOString() } });
    }, 500);
    cluster.put('stages', stage('paper', ['beta']));
    cluster.put('freights', freight('f1'));
    cluster.put('promotions', promotion('p1', 'Succeeded'));
    program.start();
    const problems = await until('it says who writes', async () => {
      const answer = (await (await fetch(`${program.url}/healthz`)).json()) as { problems: string[] };
      return answer.problems.some((problem) => problem.includes('another-pod holds the lease'))
        ? answer.problems
        : undefined;
    });
    expect(problems.length).toBeGreaterThan(0);
    await pause(1500);
    expect(program.records()).toEqual([]);
    clearInterval(renew);
    await until('it takes over', async () => (program.records().length >= 4 ? true : undefined));
    await program.kill('SIGTERM');
    expect(cluster.get('leases', 'audit-recorder')?.spec).toMatchObject({ holderIdentity: '' });
  });
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../support/processes.ts';
import { freight, stage } from '../../unit/recorder/objects.ts';
import { RecorderProgram } from './program.ts';
import { Stream } from './stream.ts';

let program: RecorderProgram;
afterEach(() => program.end());

const kills = 100;

describe('a recorder that is killed', () => {
  it(`${kills} times at random points has every fact once, in an unbroken chain`, async () => {
    program = await RecorderProgram.make();
    const { cluster } = program;
    cluster.put('stages', stage('paper', ['beta']));
    cluster.put('freights', freight('f1'));
    const stream = new Stream(program);
    const ticker = setInterval(() => stream.step(), 20);
    const sizes = () => program.files().reduce((sum, file) => sum + file.content.length, 0);
    let whileWriting = 0;
    try {
      for (let kill = 0; kill < kills; kill += 1) {
        const before = sizes();
        program.start();
        // Some die before they are up, some at any time, some at the very moment when the file grows.
        if (kill % 3 === 0) await pause(Math.random() * 200);
        else {
          await until('the recorder writes', async () => (sizes() !== before ? true : undefined));
          if (kill % 3 === 1) await pause(Math.random() * 60);
          else whileWriting += 1;
        }
        await program.kill();
        if (kill % 25 === 10) cluster.compact();
        program.records();
      }
    } finally {
      clearInterval(ticker);
    }
    stream.finish();
    program.start();
    const promotionKeys = () => program.records().flatMap((record) => ('promotion' in record ? [record.key] : []));
    await until('everything is recorded', async () =>
      promotionKeys().length >= stream.expected.size ? true : undefined,
    );
    await program.kill('SIGTERM');
    expect(program.child?.exitCode).toBe(0);

    const keys = promotionKeys();
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(keys)).toEqual(stream.expected);
    expect(stream.expected.size).toBeGreaterThan(1000);
    expect(whileWriting).toBeGreaterThan(20);
    expect(program.files().length).toBeGreaterThan(3);
    // In the life of each promotion nothing is out of order.
    const order = ['promotion-created', 'break-glass', 'promotion-started', 'promotion-finished', 'promotion-aborted'];
    const last = new Map<string, number>();
    for (const record of program.records()) {
      if (!('promotion' in record)) continue;
      const rank = order.indexOf(record.type);
      expect(rank).toBeGreaterThan(last.get(record.promotion) ?? -1);
      last.set(record.promotion, rank);
    }
    expect(cluster.unknown).toEqual([]);
  });
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

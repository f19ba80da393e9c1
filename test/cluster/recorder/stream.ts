import { project } from '../../unit/recorder/fake-cluster.ts';
import { promotion } from '../../unit/recorder/objects.ts';
import type { RecorderProgram } from './program.ts';

const breakGlass = 'pipelines.celestium.life/break-glass';

/** A stream of promotions through all their phases, and the keys of the facts that must be recorded of them. */
export class Stream {
  readonly expected = new Set<string>();
  private readonly program: RecorderProgram;
  private readonly open: { name: string; step: number }[] = [];
  private count = 0;

  constructor(recorder: RecorderProgram) {
    this.program = recorder;
  }

  /** Every open promotion goes one step further, and a new one comes. */
  step(): void {
    for (const item of this.open) this.advance(item);
    while (this.open[0] && this.open[0].step === 3) this.open.shift();
    this.count += 1;
    const item = { name: `paper.p${String(this.count).padStart(5, '0')}`, step: 0 };
    this.open.push(item);
    this.advance(item);
  }

  finish(): void {
    while (this.open.length > 0) {
      for (const item of this.open) this.advance(item);
      while (this.open[0] && this.open[0].step === 3) this.open.shift();
    }
  }

  private advance(item: { name: string; step: number }): void {
    if (item.step === 3) return;
    item.step += 1;
    const number = Number(item.name.slice(-5));
    const end = ['Succeeded', 'Failed', 'Aborted', 'Errored'][number % 4]!;
    const phase = ['Pending', 'Running', end][item.step - 1]!;
    const annotations = number % 7 === 0 ? { [breakGlass]: 'prices are wrong, fix now' } : undefined;
    this.program.cluster.put('promotions', promotion(item.name, phase, { minute: number, annotations }));
    const key = (what: string) => this.expected.add(`promotion/${project}/${item.name}/${what}`);
    if (item.step === 1) key('created');
    if (item.step === 1 && annotations) key('break-glass');
    if (item.step === 2) key('started');
    if (item.step === 3) key(end);
  }
}

// Compares the generated CEL with the model at every minute of ten years: node tools/run.mjs test/bench/every-minute.ts [from] [to]
import { performance } from 'node:perf_hooks';
import { blockedIntervals, type PromotionWindow } from '../../model/promotion-window/index.ts';
import { celWindow } from '../support/gate/cel.ts';
import { newYork } from '../support/gate/example.ts';

const from = Number(process.argv[2] ?? 2026);
const to = Number(process.argv[3] ?? 2035);
const minute = 60_000;

function compare(name: string, window: PromotionWindow): number {
  const started = performance.now();
  let minutes = 0;
  let blocked = 0;
  let different = 0;
  for (let year = from; year <= to; year += 1) {
    const [start, end] = [Date.UTC(year, 0), Date.UTC(year + 1, 0)];
    const cel = celWindow(window, { clock: 'utc-arithmetic', years: { from: year, to: year } });
    const intervals = blockedIntervals(window, start, end);
    let next = 0;
    for (let millis = start; millis < end; millis += minute) {
      while ((intervals[next]?.end ?? Number.POSITIVE_INFINITY) <= millis) next += 1;
      const expected = (intervals[next]?.start ?? Number.POSITIVE_INFINITY) <= millis;
      if (cel(millis).blocked !== expected) different += 1;
      if (expected) blocked += 1;
      minutes += 1;
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${name}: ${minutes} minutes, ${blocked} blocked, ${different} differences (${seconds} s)`);
  return different;
}

const differences = compare('market hours', newYork) + compare('XNYS sessions', { ...newYork, calendar: 'XNYS' });
process.exitCode = differences === 0 ? 0 : 1;

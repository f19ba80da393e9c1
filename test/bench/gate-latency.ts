// What the gate adds to a write on the API server: node tools/run.mjs test/bench/gate-latency.ts [requests]
import { performance } from 'node:perf_hooks';
import { type PromotionWindow, weekdays } from '../../model/promotion-window/index.ts';
import { address, caller, createPromotion, enforce, patchStatus, preparePipeline } from '../support/gate/cluster.ts';
import { alice, exampleGate, gateObjects } from '../support/gate/example.ts';
import { type Answer, type Plane, startPlane } from '../support/plane.ts';

const requests = Number(process.argv[2] ?? 400);

/** A window that is open now: the requests have to be accepted with and without the gate. */
const window: PromotionWindow = {
  timeZone: 'America/New_York',
  days: [weekdays[(new Date().getUTCDay() + 2) % 7] ?? 'Mon'],
  from: '09:30',
  to: '16:00',
  calendar: 'XNYS',
};

interface Measured {
  readonly what: string;
  readonly gate: boolean;
  readonly milliseconds: readonly number[];
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function measure(count: number, send: () => Promise<Answer>): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const started = performance.now();
    const answer = await send();
    milliseconds.push(performance.now() - started);
    if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return milliseconds;
}

async function round(plane: Plane, gate: boolean, count: number): Promise<Measured[]> {
  const target = 'beta.bench';
  const create = () => createPromotion(plane, caller.kargoApi, { stage: 'paper', actor: alice }, true);
  let turn = 0;
  const status = () =>
    patchStatus(plane, caller.kargoController, 'kargo/promotions', target, { message: `step ${turn++}` });
  const other = () =>
    plane.request(
      'POST',
      `${address('configmaps', { namespace: 'elsewhere' })}?dryRun=All`,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x', namespace: 'elsewhere' } },
      caller.mallory,
    );
  const kinds = { 'create of a Promotion': create, 'status write of a Promotion': status, 'create elsewhere': other };
  const measured: Measured[] = [];
  for (const [what, send] of Object.entries(kinds)) {
    await measure(50, send);
    measured.push({ what, gate, milliseconds: await measure(count, send) });
  }
  return measured;
}

const plane = await startPlane({ crds: ['kargo', 'argo-cd'], controllers: false });
try {
  await preparePipeline(plane);
  await createPromotion(plane, caller.setUp, { name: 'beta.bench', stage: 'beta', actor: alice });
  const results: Measured[] = [];
  for (const clock of ['zone-names', 'utc-arithmetic'] as const) {
    // Without and with in turn, so that a warmer server does not count for the gate.
    results.push(...(await round(plane, false, requests)));
    const objects = gateObjects({ ...exampleGate(window), clock });
    const disabled = () => createPromotion(plane, caller.kargoApi, { stage: 'canary', actor: alice }, true);
    await enforce(plane, objects, [disabled]);
    results.push(...(await round(plane, true, requests)).map((one) => ({ ...one, what: `${one.what} (${clock})` })));
    for (const { kind, metadata } of objects) await plane.kubectl(['delete', kind, metadata.name]);
  }
  const table = new Map<string, number[]>();
  for (const { what, gate, milliseconds } of results) {
    const key = `${gate ? 'with   ' : 'without'} the gate: ${what}`;
    table.set(key, [...(table.get(key) ?? []), ...milliseconds]);
  }
  for (const [what, values] of table) {
    console.log(
      `${what.padEnd(62)} p50 ${percentile(values, 0.5).toFixed(2)} ms   p99 ${percentile(values, 0.99).toFixed(2)} ms   n=${values.length}`,
    );
  }
} finally {
  await plane.stop();
}

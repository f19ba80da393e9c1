import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { type Answer, metricsText } from '../../../runtime/dagster-metrics/metrics.ts';
import { metricsServer } from '../../../runtime/dagster-metrics/server.ts';
import { jsonServer } from '../delivery/facts.ts';

const answer: Answer = {
  data: {
    instance: {
      daemonHealth: {
        allDaemonStatuses: [
          { daemonType: 'SCHEDULER', healthy: true, required: true },
          { daemonType: 'SENSOR', healthy: false, required: true },
          { daemonType: 'BACKFILL', healthy: null, required: false },
        ],
      },
    },
    queued: { count: 2 },
    started: { count: 1 },
    failed: { count: 0 },
    succeeded: { count: 40 },
    workspaceOrError: {
      locationEntries: [
        { name: 'sales', loadStatus: 'LOADED', locationOrLoadError: { __typename: 'RepositoryLocation' } },
        { name: 'bro"ken', loadStatus: 'LOADED', locationOrLoadError: { __typename: 'PythonError' } },
      ],
    },
  },
};

const samples = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('runs, daemons and code locations are told in the format of Prometheus', () => {
  expect(samples(metricsText(answer))).toEqual([
    'dagster_runs{state="queued"} 2',
    'dagster_runs{state="started"} 1',
    'dagster_runs{state="failed"} 0',
    'dagster_runs{state="succeeded"} 40',
    'dagster_daemon_healthy{daemon="SCHEDULER"} 1',
    'dagster_daemon_healthy{daemon="SENSOR"} 0',
    'dagster_code_location_loaded{location="sales"} 1',
    'dagster_code_location_loaded{location="bro\\"ken"} 0',
  ]);
});

async function scrape(dagsterUrl: string, path = '/metrics'): Promise<{ status: number; text: string }> {
  const server = metricsServer(dagsterUrl);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  const text = await response.text();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  return { status: response.status, text };
}

test('a scrape asks Dagster once', async () => {
  const dagster = await jsonServer(() => ({ status: 200, body: answer }));
  const { text } = await scrape(dagster.url);
  expect(text).toContain('dagster_up 1\n');
  expect(dagster.calls.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /graphql']);
  await dagster.stop();
});

test('a Dagster that answers with errors, or not at all, is down; the exporter is not', async () => {
  const dagster = await jsonServer(() => ({ status: 200, body: { errors: [{ message: 'no such field' }] } }));
  expect((await scrape(dagster.url)).text).toBe('# no such field\ndagster_up 0\n');
  await dagster.stop();
  expect((await scrape(dagster.url)).text).toContain('dagster_up 0\n');
  expect((await scrape(dagster.url, '/healthz')).status).toBe(200);
  expect((await scrape(dagster.url, '/other')).status).toBe(404);
});

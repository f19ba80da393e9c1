import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { StateSettings } from '../../../model/state/settings.ts';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { connectionFromKubeconfig } from '../../../runtime/kubernetes/connection.ts';
import { type KubernetesObject, NAMESPACES, PROMOTIONS, STAGES } from '../../../runtime/kubernetes/resources.ts';
import { restore, snapshot } from '../../../runtime/state/commands.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { stop, until } from '../../support/processes.ts';
import { project, startWorld } from '../kargo/world.ts';
import { labProgram } from '../lab.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'restore-lab-'));
let plane: Plane | undefined;
let controller: ChildProcess | undefined;

afterAll(async () => {
  if (controller) await stop(controller);
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const settings: StateSettings = {
  format: 'state-settings/1',
  system: 'lab',
  part: 'kargo',
  folder: path.join(folder, 'volume'),
  keyFile: path.join(folder, 'key'),
  retention: { recent: 5, daily: 5 },
  kargo: { project, controllerNamespace: 'kargo', stages: ['ci', 'beta'], spacedPerStage: 2 },
};

const context = (kubeconfig: string) => {
  const client = new KubernetesClient(connectionFromKubeconfig([kubeconfig]));
  return { client, command: { settings, client: () => client, now: () => new Date(), log: () => undefined } };
};

const byName = (objects: readonly KubernetesObject[]) =>
  new Map(objects.map((object) => [object.metadata.name, object.status as Record<string, unknown>]));

/** The real controller, with no way to Argo CD or the forge: whatever it started again would leave a trace. */
function startController(kubeconfig: string, log: string): ChildProcess {
  const work = path.join(folder, 'work');
  mkdirSync(work, { recursive: true });
  const out = openSync(log, 'a');
  return spawn(labProgram('kargo'), ['controller'], {
    stdio: ['ignore', out, out],
    env: {
      ...process.env,
      TMPDIR: work,
      KUBECONFIG: kubeconfig,
      KARGO_NAMESPACE: 'kargo',
      LOG_LEVEL: 'DEBUG',
      IS_DEFAULT_CONTROLLER: 'true',
      SHARED_RESOURCES_NAMESPACE: 'kargo-shared-resources',
      SYSTEM_RESOURCES_NAMESPACE: 'kargo-system-resources',
      ARGOCD_INTEGRATION_ENABLED: 'false',
      ROLLOUTS_INTEGRATION_ENABLED: 'false',
    },
  });
}

test('the real Kargo starts on a restored project and runs nothing again', async () => {
  writeFileSync(settings.keyFile, '5e'.repeat(32));
  const world = await startWorld();
  let before: ReadonlyMap<string | undefined, Record<string, unknown>>;
  let history: unknown;
  try {
    for (const tag of ['1111111', 'abc2222']) {
      const end = await world.ended(await world.promote('beta', await world.freight(tag, 'ci')));
      expect(end, JSON.stringify(end)).toMatchObject({ phase: 'Succeeded' });
    }
    // Waits for a commit status that never comes.
    const waiting = await world.promote('ci', await world.freight('abc3333'));
    await until('the promotion to run', async () =>
      (await world.status(waiting)).phase === 'Running' ? true : undefined,
    );
    const { client, command } = context(world.plane.kubeconfig);
    await until('the stage to tell its second promotion', async () => {
      const beta = await client.get(STAGES, 'beta', project);
      const { freightHistory = [] } = beta.status as { freightHistory?: unknown[] };
      history = freightHistory;
      return freightHistory.length === 2 ? true : undefined;
    });
    await snapshot(command, { acceptLoss: false });
    before = byName((await client.list(PROMOTIONS, { namespace: project })).items);
    expect([...before.values()].map(({ phase }) => phase).sort()).toEqual(['Running', 'Succeeded', 'Succeeded']);
    client.close();
  } finally {
    await world.stop();
  }

  plane = await startPlane({ crds: ['kargo'], controllers: true });
  const { client, command } = context(plane.kubeconfig);
  for (const name of ['kargo', 'kargo-shared-resources', 'kargo-system-resources']) {
    await client.create(NAMESPACES, { metadata: { name } });
  }
  await restore(command, { dryRun: false, ifNeeded: false, only: ['objects'] });
  const restored = byName((await client.list(PROMOTIONS, { namespace: project })).items);

  const log = path.join(folder, 'controller.log');
  controller = startController(plane.kubeconfig, log);
  // Both stages have been looked at, twice: a request to look again is answered in the status.
  for (const round of ['first', 'second']) {
    for (const stage of ['ci', 'beta']) {
      const annotations = { 'kargo.akuity.io/refresh': round };
      await client.patch(STAGES, { name: stage, namespace: project }, { metadata: { annotations } });
      await until(`stage ${stage} to answer`, async () => {
        const { status } = await client.get(STAGES, stage, project);
        return (status as { lastHandledRefresh?: string }).lastHandledRefresh === round ? true : undefined;
      });
    }
  }

  const after = byName((await client.list(PROMOTIONS, { namespace: project })).items);
  expect(after).toEqual(restored);
  const interrupted = [...before].filter(([, { phase }]) => phase === 'Running').map(([name]) => name);
  for (const [name, status] of before) {
    if (interrupted.includes(name)) {
      expect(after.get(name)).toMatchObject({
        phase: 'Aborted',
        message: expect.stringContaining('interrupted by a rebuild'),
      });
    } else expect(after.get(name)).toEqual(status);
  }
  const beta = (await client.get(STAGES, 'beta', project)).status as {
    freightHistory: unknown;
    currentPromotion?: unknown;
  };
  expect(beta.freightHistory).toEqual(history);
  expect(beta.currentPromotion).toBeUndefined();
  const ci = (await client.get(STAGES, 'ci', project)).status as { currentPromotion?: unknown };
  expect(ci.currentPromotion).toBeUndefined();
  expect(await readFile(log, 'utf8')).not.toMatch(/began promotion|continuing Promotion/);
  client.close();
});

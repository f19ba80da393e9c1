import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { serve } from '@hono/node-server';
import { parseSettings } from '../../model/problems.ts';
import { jsonLog } from '../desk/server/log.ts';
import { KubernetesClient } from '../kubernetes/client.ts';
import { AnchorBranch } from './anchors.ts';
import { AuditLog } from './audit-log.ts';
import { ForgeBranch } from './forge-branch.ts';
import { recorderApp } from './http.ts';
import { WriterLease } from './lease.ts';
import { Recorder } from './recorder.ts';
import { RecorderService } from './service.ts';
import { type RecorderSettings, recorderSettings } from './settings.ts';
import { latestSnapshotIn, SnapshotSchedule, snapshotByCommand } from './snapshots.ts';

const usage = 'usage: recorder SETTINGS.json';

async function main(): Promise<void> {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error(usage);
  const settings = parseSettings(
    `settings of the recorder (${file})`,
    recorderSettings,
    JSON.parse(readFileSync(file, 'utf8')),
  );
  const messages = jsonLog(
    (line) => process.stdout.write(line),
    () => new Date(),
  );
  const client = KubernetesClient.fromEnvironment();
  const log = new AuditLog({
    folder: settings.folder,
    rotateBytes: settings.rotateBytes,
    onRepair: (message) => messages.warn(message),
  });
  const lease = new WriterLease({
    client,
    ...settings.lease,
    identity: process.env.POD_NAME ?? hostname(),
    onChange: (held, reason) =>
      messages.info(held ? 'this recorder writes' : 'this recorder does not write', { reason }),
  });
  const recorder = new Recorder({
    client,
    log,
    mayWrite: lease.require,
    project: settings.project,
    annotations: settings.annotations,
    annotationPrefix: settings.annotations.prefix,
    gateSelector: settings.gateSelector,
    messages,
  });
  const service = new RecorderService({
    log,
    recorder,
    lease,
    messages,
    anchors: anchorsOf(settings),
    snapshots:
      settings.snapshot &&
      new SnapshotSchedule({
        take: snapshotByCommand(settings.snapshot),
        everyMinutes: settings.snapshot.everyMinutes,
      }),
    latestSnapshot: settings.snapshotFolder === undefined ? undefined : latestSnapshotIn(settings.snapshotFolder),
    verifyEveryMinutes: settings.verifyEveryMinutes,
  });

  const server = serve(
    {
      fetch: recorderApp({ log, recorder, service, project: settings.project }).fetch,
      hostname: settings.listen.host,
      port: settings.listen.port,
    },
    (address) => messages.info('listening', { port: address.port }),
  );
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  // The lease outlives the writing: it is given back only when nothing is written any more.
  const leaseStop = new AbortController();
  const leasing = lease.run(leaseStop.signal);
  await Promise.all([recorder.run(stop.signal), service.run(stop.signal)]);
  if (lease.held) await service.anchorNow();
  await log.close();
  leaseStop.abort();
  await leasing;
  await lease.release();
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  client.close();
  messages.info('ended');
}

function anchorsOf({ anchor }: RecorderSettings) {
  if (!anchor) return undefined;
  const credentials = async () => {
    const [user, password] = await Promise.all(
      [anchor.userFile, anchor.passwordFile].map(async (file) => (await readFile(file, 'utf8')).trim()),
    );
    return { user: user!, password: password! };
  };
  return { branch: new AnchorBranch(new ForgeBranch({ ...anchor, credentials })), everyMinutes: anchor.everyMinutes };
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

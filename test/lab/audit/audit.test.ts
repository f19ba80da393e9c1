import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubernetesObject, SystemOutput } from '../../../constructs/core/index.ts';
import { fromPods } from '../../../constructs/network/index.ts';
import { AuditRecorder } from '../../../constructs/recorder/index.ts';
import { type PromotionWindow, weekdays } from '../../../model/promotion-window/index.ts';
import type { Io } from '../../../runtime/cli/io.ts';
import { runCli } from '../../../runtime/cli/program.ts';
import { RecorderProgram } from '../../cluster/recorder/program.ts';
import { address, caller, freight, project } from '../../support/gate/cluster.ts';
import { alice, bob, exampleGate, gateObjects } from '../../support/gate/example.ts';
import { output, until } from '../../support/processes.ts';
import { type KargoWorld, startKargo } from '../gate/kargo.ts';
import { type Gitea, startGitea } from '../kargo/gitea.ts';

// The real Kargo (API, webhooks, controller), the real gate and the real Gitea; the command line and the recorder as shipped.
// In Gitea the user `ci` stands for the user `audit`.

const always: PromotionWindow = { timeZone: 'America/New_York', days: weekdays, from: '00:00', to: '24:00' };
const why = 'orders are rejected, rolling back';
/** Alias of the Freight; its name is made by Kargo. */
const build = 'bold-lynx';
const folder = mkdtempSync(path.join(tmpdir(), 'audit-lab-'));
const settings = path.join(folder, 'gate.json');

let world: KargoWorld;
let gitea: Gitea;
let recorder: RecorderProgram;

/** The command line as one person. */
async function gate(who: string, ...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    now: () => DateTime.now(),
    env: { KARGO_API_TOKEN: world.token(who.replace('email:', '')) },
    interactive: false,
    ask: async () => undefined,
    fetch,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
  const code = await runCli([...args, '--settings', settings], io);
  return { code, out, err };
}

/** A kubeconfig with exactly the rights that the construct gives. */
async function recorderConfig(): Promise<string> {
  const rendered = new SystemOutput('lab');
  new AuditRecorder(rendered.chart('recorder', { namespace: 'kargo' }), 'Recorder', {
    image: { repository: 'node', tag: '20' },
    program: 'placeholder',
    project,
    claimName: 'kargo-state',
    readers: [fromPods({ 'app.kubernetes.io/name': 'promotion-desk' })],
  });
  await world.plane.apply(rendered.files()[0]!.objects);
  const target = `${address('serviceaccounts', { namespace: 'kargo', name: 'audit-recorder' })}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } };
  const { body } = await world.plane.request('POST', target, request);
  const file = path.join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server: world.plane.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'recorder', user: { token: body.status.token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'recorder' } }],
    'current-context': 'lab',
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

/** Branch `audit`: only one user pushes to it. */
async function auditBranch(): Promise<void> {
  const repository = '/repos/apps/pipelines';
  await gitea.api('apps', 'POST', `${repository}/branches`, { new_branch_name: 'audit', old_branch_name: 'main' });
  await gitea.api('apps', 'POST', `${repository}/branch_protections`, {
    rule_name: 'audit',
    enable_push: true,
    enable_push_whitelist: true,
    push_whitelist_usernames: ['ci'],
  });
}

beforeAll(async () => {
  [world, gitea] = await Promise.all([startKargo(), startGitea()]);
  await auditBranch();
  const { images, ...rest } = freight as KubernetesObject & { images: Record<string, string>[] };
  const fresh = {
    ...rest,
    metadata: { name: 'to-be-named', namespace: project },
    alias: build,
    images: images.map((image) => ({ ...image, tag: 'b'.repeat(40) })),
  };
  const made = await world.plane.request('POST', address('kargo/freights', { namespace: project }), fresh);
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  // The gate will refuse this: a Freight reaches a stage by way of the stages before it.
  const approval = await world.kargo(
    bob.replace('email:', ''),
    'POST',
    `/v1beta1/projects/${project}/freight/${build}/approve?stage=live`,
  );
  if (approval.status !== 200) throw new Error(JSON.stringify(approval.body));
  const labelled = gateObjects(exampleGate(always)).map((object): KubernetesObject => {
    const labels = { ...object.metadata.labels, 'app.kubernetes.io/component': 'gate' };
    return { ...object, metadata: { ...object.metadata, labels } };
  });
  const kubeconfig = await recorderConfig();
  await world.plane.apply(labelled, { as: caller.setUp.as });
  writeFileSync(
    settings,
    JSON.stringify({
      format: 'gate-client/1',
      system: 'example',
      project,
      kargoUrl: world.url,
      stages: exampleGate(always).stages.map(({ namespace: _, ...stage }) => ({ ...stage, kind: 'deploy' })),
    }),
  );
  for (const [name, text] of [
    ['user', 'ci'],
    ['password', 'pw-ci-0123456789'],
  ] as const)
    writeFileSync(path.join(folder, name), text);
  const anchor = {
    url: gitea.url,
    owner: 'apps',
    repository: 'pipelines',
    userFile: path.join(folder, 'user'),
    passwordFile: path.join(folder, 'password'),
    everyMinutes: 0.1,
  };
  recorder = await RecorderProgram.make({ project, gateSelector: 'app.kubernetes.io/component=gate', anchor });
  recorder.start([], { KUBECONFIG: kubeconfig });
  await until(
    'the recorder is well',
    async () => ((await fetch(`${recorder.url}/healthz`)).ok ? true : undefined),
    90_000,
  );
});
afterAll(async () => {
  await recorder?.end();
  await Promise.all([world?.stop(), gitea?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

test('promote: carried out by the real Kargo in the name of the user, and waited for', async () => {
  const { code, out, err } = await gate(alice, 'promote', '--stage', 'beta', '--freight', build, '--wait');
  expect([code, out], err).toEqual([0, expect.stringMatching(/^beta\.[0-9a-z]+\.[0-9a-f]+: beta <- .*: Succeeded\n$/)]);
});

test('promote into the window: the forecast and the real gate say the same, in the same words', async () => {
  const forecast = await gate(alice, 'promote', '--stage', 'paper', '--freight', build);
  const refused = await gate(alice, 'promote', '--stage', 'paper', '--freight', build, '--ask-anyway');
  expect([forecast.code, refused.code]).toEqual([3, 3]);
  const words = (text: string) =>
    text
      .replace(/It opens in [^.]+\./, '')
      .replace(/ It opens at .*/, '')
      .replace(/^.*Asking Kargo all the same\.\n/, '')
      .trim();
  expect(words(refused.err)).toBe(words(forecast.err));
});

test('break-glass: aborts what waits ahead, passes the real gate, succeeds; the recorder knows all of it', async () => {
  const freights = await world.plane.request('GET', address('kargo/freights', { namespace: project }));
  const items = freights.body.items as { alias: string; metadata: { name: string } }[];
  const name = items.find((item) => item.alias === build)?.metadata.name;
  // A promotion from before the window: only the set-up can still create one now.
  const queued = await until('the build has passed beta', async () => {
    const manifest = {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'Promotion',
      metadata: { name: 'queued', namespace: project },
      spec: { stage: 'paper', freight: name, steps: [{ uses: 'fail' }] },
    };
    const setUp = { as: caller.setUp.as, groups: ['system:masters'] };
    const answer = await world.plane.request(
      'POST',
      address('kargo/promotions', { namespace: project }),
      manifest,
      setUp,
    );
    return answer.status === 201 ? answer : undefined;
  });
  const waiting = queued.body.metadata.name as string;
  const { code, out, err } = await gate(
    alice,
    'break-glass',
    '--stage',
    'paper',
    '--freight',
    build,
    '--justification',
    why,
    '--confirm',
    'paper',
    '--wait',
    '--json',
  );
  expect(code, out + err).toBe(0);
  const answer = JSON.parse(out);
  expect(answer).toMatchObject({ phase: 'Succeeded', aborted: [waiting], warnings: [] });
  const ofOne = (name: string) =>
    recorder.records().filter((record) => 'promotion' in record && record.promotion === name);
  await until('both ends are recorded', async () =>
    ofOne(answer.promotion).length === 4 && ofOne(waiting).some((record) => record.type === 'promotion-aborted')
      ? true
      : undefined,
  );
  expect(ofOne(answer.promotion)).toMatchObject([
    { type: 'promotion-created', actor: alice, stage: 'paper', sourceStages: ['beta'], breakGlass: why },
    { type: 'break-glass', actor: alice, justification: why },
    { type: 'promotion-started' },
    { type: 'promotion-finished', result: 'Succeeded' },
  ]);
  expect(ofOne(waiting).find((record) => record.type === 'promotion-aborted')).toMatchObject({ abortedBy: alice });
  const listed = await gate(alice, 'history', '--break-glass');
  expect(listed.out).toContain(`BREAK-GLASS: ${why}`);
});

test('break-glass by somebody who may not: told beforehand, and by the gate', async () => {
  const args = ['break-glass', '--stage', 'paper', '--freight', build, '--justification', why, '--confirm', 'paper'];
  expect(await gate(bob, ...args)).toMatchObject({
    code: 3,
    err: expect.stringContaining('email:bob@example.org may not override the promotion window of paper'),
  });
});

test('an approval from before the recorder ran is recorded with the approver, whom only an event names', async () => {
  const approval = await until('the approval is recorded', async () =>
    recorder.records().find((record) => record.type === 'freight-approved'),
  );
  expect(approval).toMatchObject({ stage: 'live', actor: bob, tag: 'b'.repeat(40) });
});

test('every policy and binding of the gate, and every stage, is in the log', () => {
  const kinds = recorder.records().flatMap((record) => (record.type === 'definition-changed' ? [record.kind] : []));
  const count = (kind: string) => kinds.filter((one) => one === kind).length;
  expect(count('Stage')).toBeGreaterThanOrEqual(3);
  expect(count('ValidatingAdmissionPolicy')).toBeGreaterThan(5);
  expect(count('ValidatingAdmissionPolicyBinding')).toBe(count('ValidatingAdmissionPolicy'));
});

test('the head is anchored in the real Gitea by the one user who may push there, and a clone finds a rewritten log', async () => {
  const head = recorder.records().length;
  const repository = '/repos/apps/pipelines';
  const listed = await until('the head is anchored', async () => {
    const files = await gitea
      .api<{ path: string }[]>('apps', 'GET', `${repository}/contents/heads?ref=audit`)
      .catch(() => []);
    const file = files.at(-1);
    if (!file) return undefined;
    const { content } = await gitea.api<{ content: string }>(
      'apps',
      'GET',
      `${repository}/contents/${file.path}?ref=audit`,
    );
    const lines = Buffer.from(content, 'base64')
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number });
    return lines.some((line) => line.seq >= head) ? lines : undefined;
  });
  expect(listed.length).toBeGreaterThan(0);
  const foreign = { content: Buffer.from('{}\n').toString('base64'), message: 'forged', branch: 'audit' };
  await expect(gitea.api('eve', 'POST', `${repository}/contents/heads/2020-01.jsonl`, foreign)).rejects.toThrow(
    /403|not allowed|protected/i,
  );
  const commits = await gitea.api<{ author: { login: string } }[]>(
    'apps',
    'GET',
    `${repository}/commits?sha=audit&limit=5`,
  );
  expect(commits[0]?.author.login).toBe('ci');

  const clone = path.join(folder, 'clone');
  await output('git', ['clone', '-q', '-b', 'audit', `${gitea.url}/apps/pipelines.git`, clone], {
    env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
  });
  const whole = await gate(alice, 'verify', '--files', recorder.auditFolder, '--anchors', clone);
  expect(whole.out, whole.err).toMatch(/^The audit log is whole: \d+ records in 1 files, \d+ anchors compared/);

  await recorder.kill('SIGTERM');
  const copy = path.join(folder, 'copy');
  mkdirSync(copy);
  const [file] = recorder.files();
  const lines = file!.content.toString().trimEnd().split('\n');
  writeFileSync(path.join(copy, file!.name), `${lines.slice(0, -3).join('\n')}\n`);
  const cut = await gate(alice, 'verify', '--files', copy, '--anchors', clone);
  expect(cut.code).toBe(1);
  expect(cut.out).toMatch(/truncated: record \d+ was anchored/);
});

import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditFact } from '../../../model/audit/record.ts';
import { deskSettings } from '../../../model/desk/settings.ts';
import { type Stage, upstreamOf } from '../../../model/stage-chain.ts';
import type { KargoFreight, KargoStage } from '../../../runtime/desk/kargo/types.ts';
import { deskServer } from '../../../runtime/desk/server/desk-server.ts';
import { jsonLog } from '../../../runtime/desk/server/log.ts';
import { FakeKargo, fakeToken } from './fake-kargo.ts';
import { FakeRecorder } from './fake-recorder.ts';

export const project = 'stonks-pipeline';
export const image = 'registry.example.org/stonks-oracle/query-api';

const window = {
  timeZone: 'America/New_York',
  days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
  from: '09:30',
  to: '16:00',
} as const;
const breakGlass = { actors: ['email:risk@example.org'], minimumJustification: 15, startWithinMinutes: 30 };

export const chain: readonly Stage[] = [
  { name: 'ci', enabled: true, kind: 'ci', promotion: 'automatic' },
  { name: 'beta', enabled: true, kind: 'deploy', namespace: 'stonks-beta', promotion: 'automatic' },
  {
    name: 'paper',
    enabled: true,
    kind: 'deploy',
    namespace: 'stonks-paper',
    promotion: 'manual',
    gate: { window, breakGlass },
  },
  {
    name: 'live',
    enabled: true,
    kind: 'deploy',
    namespace: 'stonks-oracle',
    promotion: 'manual',
    gate: { window, breakGlass, note: 'required' },
  },
];

/** Three builds: the oldest is live, the next on paper, the newest in beta. The second tag could be taken for a number. */
export const tags = {
  live: '4f1c2a9be07d5a3186c40b92e7f8d3c5a61b2e90',
  paper: '1234567890123456789012345678901234567890',
  beta: 'c0ffee254729296a45a3885639ac7e10f9d54979',
  failed: '00bad0e3d4f5a6b7c8d9e0f1a2b3c4d5e6f70819',
} as const;

export const alice = fakeToken({ sub: 'CgVhbGljZQ', email: 'alice@example.org', exp: 4_000_000_000 });
export const risk = fakeToken({ sub: 'CgRyaXNr', email: 'risk@example.org', exp: 4_000_000_000 });
export const admin = fakeToken({ sub: 'admin', iss: 'https://kargo.example.org', exp: 4_000_000_000 });

export interface World {
  readonly url: string;
  readonly chain: readonly Stage[];
  readonly kargo: FakeKargo;
  readonly recorder: FakeRecorder;
  readonly server: Server;
  readonly log: string[];
  /** Moves the clock that Kargo, gate and desk share. */
  setTime(at: string): void;
  now(): Date;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** RFC 3339. @default a Friday, 18:30 in New York */
  readonly at?: string;
  /** @default the four stages of Stonks Oracle */
  readonly chain?: readonly Stage[];
  /** Whether the bundles for the browser are needed. @default false */
  readonly browser?: boolean;
  /** @default true */
  readonly recorder?: boolean;
  readonly commitUrl?: string;
}

const build = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../build/browser');

/** Kargo, recorder and desk, on loopback, with one clock that goes on from where it was set. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  let base = Date.parse(options.at ?? '2026-11-27T18:30:00-05:00');
  let since = performance.now();
  const now = () => new Date(base + performance.now() - since);
  const stages = options.chain ?? chain;
  const kargo = await new FakeKargo({ project, chain: stages, now }).start();
  kargo.users.set(alice, { actor: 'email:alice@example.org' });
  kargo.users.set(risk, { actor: 'email:risk@example.org' });
  kargo.users.set(admin, { actor: 'admin' });
  const recorder = new FakeRecorder();
  const log: string[] = [];
  const file = (name: string) => (options.browser ? readFileSync(path.join(build, name), 'utf8') : '// not built');
  const server = deskServer({
    settings: deskSettings.parse({
      project,
      stages,
      kargoUrl: kargo.url,
      image,
      commitUrl: options.commitUrl ?? 'https://git.example.org/stonks/stonks-oracle/commit/{tag}',
    }),
    files: {
      page: file('desk-page.js'),
      dashboard: file('desk-dashboard.js'),
      style: readFileSync(path.join(build, '../../runtime/desk/page/page.css'), 'utf8'),
    },
    recorder: options.recorder === false ? undefined : recorder,
    log: jsonLog((line) => log.push(line), now),
    now,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chain: stages,
    kargo,
    recorder,
    server,
    log,
    now,
    setTime(at) {
      base = Date.parse(at);
      since = performance.now();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await kargo.stop();
    },
  };
}

const hour = 3_600_000;

/** The ordinary state of the pipeline, seen at this moment. */
export function populate({ kargo, chain: stages }: World, at: Date): void {
  const ago = (hours: number) => new Date(at.getTime() - hours * hour).toISOString();
  const build = (
    name: string,
    tag: string,
    alias: string,
    hours: number,
    status: KargoFreight['status'],
  ): KargoFreight => ({
    metadata: { name, namespace: project, creationTimestamp: ago(hours) },
    alias,
    discoveredAt: ago(hours),
    origin: { kind: 'Warehouse', name: 'stonks-images' },
    images: [{ repoURL: image, tag, digest: `sha256:${'0'.repeat(64)}` }],
    status,
  });
  const verified = (names: readonly string[], hours: number) =>
    Object.fromEntries(names.map((name) => [name, { verifiedAt: ago(hours) }]));
  for (const one of [
    build('f-live'.padEnd(40, '1'), tags.live, 'steady-heron', 100, {
      currentlyIn: { live: { since: ago(72) } },
      verifiedIn: verified(['ci', 'beta', 'paper', 'live'], 72),
    }),
    build('f-paper'.padEnd(40, '2'), tags.paper, 'quiet-otter', 50, {
      currentlyIn: { paper: { since: ago(20) } },
      verifiedIn: verified(['ci', 'beta', 'paper'], 20),
    }),
    build('f-beta'.padEnd(40, '3'), tags.beta, 'brisk-falcon', 3, {
      currentlyIn: { ci: { since: ago(2.8) }, beta: { since: ago(2.5) } },
      verifiedIn: verified(['ci', 'beta'], 2),
    }),
    build('f-failed'.padEnd(40, '4'), tags.failed, 'clumsy-crab', 1, {}),
  ]) {
    kargo.freight.set(one.metadata?.name ?? '', one);
  }
  const stage = (name: string, freight: string, tag: string, hours: number, extra: object = {}): void => {
    const upstream = upstreamOf(stages, name);
    const reference = {
      name: freight,
      origin: { kind: 'Warehouse', name: 'stonks-images' },
      images: [{ repoURL: image, tag }],
    };
    const one: KargoStage = {
      metadata: { name, namespace: project, uid: `uid-${name}` },
      spec: {
        requestedFreight: [
          {
            origin: { kind: 'Warehouse', name: 'stonks-images' },
            sources: upstream.from === 'registry' ? { direct: true } : { stages: [upstream.stage.name] },
          },
        ],
      },
      status: {
        conditions: [{ type: 'Ready', status: 'True', reason: 'Verified', message: 'Freight has been verified' }],
        health: { status: 'Healthy', issues: [] },
        freightHistory: [
          { items: { 'Warehouse/stonks-images': reference }, verificationHistory: [{ phase: 'Successful' }] },
        ],
        lastPromotion: {
          name: `${name}.01kb`,
          freight: reference,
          status: { phase: 'Succeeded' },
          finishedAt: ago(hours),
        },
        ...extra,
      },
    };
    kargo.stages.set(name, one);
  };
  stage('ci', 'f-beta'.padEnd(40, '3'), tags.beta, 2.8, {
    health: undefined,
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'LastPromotionFailed',
        message: 'integration-test failed: 3 of 120 failed',
      },
    ],
    lastPromotion: {
      name: 'ci.01kc',
      freight: { name: 'f-failed'.padEnd(40, '4'), images: [{ repoURL: image, tag: tags.failed }] },
      status: { phase: 'Failed', message: 'integration-test failed: 3 of 120 failed' },
      finishedAt: ago(0.5),
    },
  });
  stage('beta', 'f-beta'.padEnd(40, '3'), tags.beta, 2.5);
  stage('paper', 'f-paper'.padEnd(40, '2'), tags.paper, 20);
  stage('live', 'f-live'.padEnd(40, '1'), tags.live, 72);
}

/** Records of a number of promotions: most succeed, some fail, some break glass, some are refused. */
export function* facts(count: number, until: Date): Generator<AuditFact> {
  const people = ['email:alice@example.org', 'email:bob@example.org', 'email:risk@example.org'];
  const notes = ['Weekly release', 'Faster quotes, agreed with trading', 'Fixes the rounding of fees', undefined];
  for (let index = 0; index < count; index += 1) {
    const created = until.getTime() - (count - index) * 3 * hour;
    const at = (minutes: number) => new Date(created + minutes * 60_000).toISOString();
    const stage = ['beta', 'paper', 'live'][index % 3]!;
    const source = { beta: 'ci', paper: 'beta', live: 'paper' }[stage]!;
    const tag = (index * 2654435761).toString(16).padStart(12, '0').repeat(4).slice(0, 40);
    const promotion = `${stage}.h${String(index).padStart(8, '0')}.${tag.slice(0, 7)}`;
    const actor = stage === 'beta' ? 'automatic' : people[index % people.length]!;
    const base = { project, promotion, stage, freight: `f${tag}`, tag, actor } as const;
    const glass = stage !== 'beta' && index % 41 === 5 ? 'Orders are rejected by the broker, fix is tested' : undefined;
    const note =
      stage === 'beta'
        ? undefined
        : (notes[index % notes.length] ?? (stage === 'live' ? 'Release as planned' : undefined));
    if (index % 97 === 50 && stage !== 'beta') {
      yield {
        type: 'promotion-denied',
        key: `attempt/${index}`,
        at: at(0),
        project,
        attempt: `attempt-${index}`,
        stage,
        freight: base.freight,
        tag,
        actor,
        note,
        reason: `blocked: ${stage} takes no promotion during market hours 09:30-16:00 America/New_York, Mon-Fri. It opens in 2h13m.`,
        reportedBy: 'desk',
      };
      continue;
    }
    yield {
      ...base,
      type: 'promotion-created',
      key: `${promotion}/created`,
      at: at(0),
      uid: `u${index}`,
      sourceStages: [source],
      freightAlias: `build-${index}`,
      images: [{ repository: image, tag }],
      automatic: actor === 'automatic',
      note,
      breakGlass: glass,
    };
    if (glass) yield { ...base, type: 'break-glass', key: `${promotion}/glass`, at: at(0), justification: glass, note };
    yield { ...base, type: 'promotion-started', key: `${promotion}/started`, at: at(0.1) };
    yield index % 23 === 7
      ? {
          ...base,
          type: 'promotion-finished',
          key: `${promotion}/finished`,
          at: at(4),
          result: 'Failed',
          message: 'argocd-update: the Application did not become healthy in time',
        }
      : { ...base, type: 'promotion-finished', key: `${promotion}/finished`, at: at(2), result: 'Succeeded' };
  }
}

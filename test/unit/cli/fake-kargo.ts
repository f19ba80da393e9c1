import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DateTime } from 'luxon';
import type { ExitCode, Io } from '../../../runtime/cli/io.ts';
import { runCli } from '../../../runtime/cli/program.ts';
import type { KargoFreight, KargoPromotion, KargoStage } from '../../../runtime/desk/kargo/types.ts';

export const project = 'stonks-pipeline';
export const tagOne = '1'.repeat(40);
export const tagTwo = `${'2'.repeat(10)}${'a'.repeat(30)}`;

const window = { timeZone: 'America/New_York', days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], from: '09:30', to: '16:00' };
const breakGlass = { actors: ['email:alice@example.org'], minimumJustification: 15, startWithinMinutes: 30 };

/** A token that names somebody; nobody checks its signature before Kargo does. */
export function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.signature`;
}
export const alice = tokenOf({ sub: '42', email: 'alice@example.org', exp: 4_000_000_000 });

/** Kargo's REST API and the desk's, as far as the command line uses them. Any other request is noted as unknown. */
export class FakeKargo {
  readonly unknown: string[] = [];
  readonly requests: string[] = [];
  readonly folder = mkdtempSync(path.join(tmpdir(), 'fake-kargo-'));
  stages: KargoStage[] = [];
  freight: KargoFreight[] = [];
  promotions: KargoPromotion[] = [];
  /** Refusal of the next creation, in the words of the API server. */
  denial: { status: number; message: string } | undefined;
  abortDenial: string | undefined;
  /** Manifests that were posted. */
  readonly created: { metadata: { annotations: Record<string, string> }; spec: object }[] = [];
  readonly aborted: string[] = [];
  desk: ((path: URL) => { status: number; body: unknown }) | undefined;
  token = alice;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  static async start(): Promise<FakeKargo> {
    const kargo = new FakeKargo();
    await new Promise<void>((resolve) => kargo.server.listen(0, '127.0.0.1', resolve));
    return kargo;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Writes gate.json for this server. */
  settings(change: object = {}): string {
    const file = path.join(this.folder, 'gate.json');
    const stage = { enabled: true, kind: 'deploy', promotion: 'manual' };
    const settings = {
      format: 'gate-client/1',
      system: 'stonks-oracle',
      project,
      kargoUrl: this.url,
      deskUrl: `${this.url}/desk`,
      stages: [
        { name: 'ci', enabled: true, kind: 'ci', promotion: 'automatic' },
        { ...stage, name: 'beta', promotion: 'automatic' },
        { ...stage, name: 'paper', gate: { window, breakGlass } },
        {
          ...stage,
          name: 'live',
          gate: {
            window,
            note: 'required',
            approvers: ['email:alice@example.org', 'email:bob@example.org'],
            breakGlass,
          },
        },
      ],
      ...change,
    };
    writeFileSync(file, JSON.stringify(settings));
    return file;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://kargo');
    const send = (status: number, body?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (request.headers.authorization !== `Bearer ${this.token}`) return send(401, { error: 'invalid token' });
    const what = `${request.method} ${url.pathname.replace(`/v1beta1/projects/${project}`, '')}`;
    const abort = /^POST \/promotions\/([^/]+)\/abort$/.exec(what)?.[1];
    if (what === 'GET /stages') return send(200, { items: this.stages });
    if (what === 'GET /freight') return send(200, { groups: { '': { items: this.freight } } });
    if (what === 'GET /promotions') {
      const stage = url.searchParams.get('stage');
      return send(200, { items: this.promotions.filter((one) => one.spec?.stage === stage) });
    }
    if (what === 'POST /v1beta1/resources' && request.headers['content-type'] === 'text/plain')
      return this.create(JSON.parse(text) as never, send);
    if (abort !== undefined) {
      if (this.abortDenial) return send(403, { error: this.abortDenial });
      this.aborted.push(abort);
      return send(200);
    }
    if (url.pathname.startsWith('/desk/') && this.desk) {
      const { status, body } = this.desk(url);
      return send(status, body);
    }
    this.unknown.push(`${request.method} ${request.url}`);
    return send(404, { error: 'not found' });
  }

  private create(
    manifest: FakeKargo['created'][number] & { kind: string; metadata: { name: string; namespace: string } },
    send: (status: number, body: unknown) => void,
  ): void {
    if (manifest.kind !== 'Promotion' || !manifest.metadata.name || manifest.metadata.namespace !== project)
      return void send(400, { error: 'not a promotion' });
    if (this.denial) return void send(this.denial.status, { error: this.denial.message });
    this.created.push(manifest);
    const created = {
      ...manifest,
      metadata: { ...manifest.metadata, name: `paper.01new${this.created.length}` },
      status: { phase: 'Pending' },
    };
    this.promotions.push(created as KargoPromotion);
    send(201, { results: [{ createdResourceManifest: created }] });
  }
}

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
  // biome-ignore lint/suspicious/noExplicitAny: every command has an answer of its own
  readonly json: any;
}

/** Runs the command line in this process. */
export async function gate(
  kargo: FakeKargo,
  args: readonly string[],
  options: {
    readonly at?: string;
    readonly answers?: readonly (string | undefined)[];
    readonly env?: Record<string, string | undefined>;
    readonly onSleep?: () => void;
    readonly settings?: string;
  } = {},
): Promise<Ran & { readonly questions: readonly string[] }> {
  let out = '';
  let err = '';
  let now = DateTime.fromISO(options.at ?? '2026-11-21T12:00:00-05:00');
  const questions: string[] = [];
  const answers = [...(options.answers ?? [])];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    now: () => now,
    env: { KARGO_API_TOKEN: alice, HOME: kargo.folder, ...options.env },
    interactive: options.answers !== undefined,
    async ask(question) {
      questions.push(question);
      return answers.shift();
    },
    fetch,
    async sleep(milliseconds) {
      now = now.plus({ milliseconds });
      options.onSleep?.();
    },
  };
  const file = options.settings ?? kargo.settings();
  const code = await runCli(args.length === 0 || args[0]!.startsWith('-') ? args : [...args, '--settings', file], io);
  let json: unknown;
  if (args.includes('--json')) json = JSON.parse(out);
  return { code, out, err, json, questions };
}

export function someFreight(name: string, tag: string, more: Partial<KargoFreight> = {}): KargoFreight {
  return {
    metadata: { name },
    alias: `calm-${name}`,
    origin: { kind: 'Warehouse', name: 'stonks-images' },
    images: [{ repoURL: 'registry/query-api', tag }],
    ...more,
  };
}

export function someStage(name: string, sources: readonly string[], more: Partial<KargoStage> = {}): KargoStage {
  const origin = { kind: 'Warehouse', name: 'stonks-images' };
  return {
    metadata: { name },
    spec: { requestedFreight: [{ origin, sources: sources.length === 0 ? { direct: true } : { stages: sources } }] },
    ...more,
  };
}

export function somePromotion(
  name: string,
  stage: string,
  phase: string,
  annotations: Record<string, string> = {},
): KargoPromotion {
  return {
    metadata: {
      name,
      namespace: project,
      creationTimestamp: '2026-11-20T21:00:00Z',
      annotations: { 'kargo.akuity.io/create-actor': 'email:bob@example.org', ...annotations },
    },
    spec: { stage, freight: 'f1' },
    status: { phase },
  };
}

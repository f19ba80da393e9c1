import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DateTime } from 'luxon';
import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { decidePromotion } from '../../../model/gate/decision.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import type { KargoFreight, KargoPromotion, KargoStage } from '../../../runtime/desk/kargo/types.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface FakeUser {
  readonly actor: string;
  /** What it may not do. @default - nothing is forbidden */
  readonly forbidden?: readonly ('read' | 'promote' | 'abort')[];
}

export interface FakeKargoOptions {
  readonly project: string;
  readonly chain: readonly Stage[];
  readonly now: () => Date;
}

/** One request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/**
 * Speaks the part of Kargo's REST API (v1.11.2) that the desk uses: same paths, same shapes, same errors, with the gate's
 * refusals as an API server words them. Any other request is an error that the test sees.
 */
export class FakeKargo {
  readonly stages = new Map<string, KargoStage>();
  readonly freight = new Map<string, KargoFreight>();
  readonly promotions = new Map<string, KargoPromotion>();
  readonly users = new Map<string, FakeUser>();
  readonly seen: SeenRequest[] = [];
  /** Requests that Kargo does not have. */
  readonly unknown: string[] = [];
  /** What Kargo's documents are. */
  document =
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Kargo</title></head><body><div id="root"></div></body></html>';
  /** Answers nothing any more. */
  down = false;
  url = '';
  private readonly options: FakeKargoOptions;
  private readonly server: Server;
  private created = 0;

  constructor(options: FakeKargoOptions) {
    this.options = options;
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<undefined> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const method = request.method ?? '';
    const url = request.url ?? '';
    this.seen.push({ method, url, headers: request.headers, body });
    if (this.down) {
      request.socket.destroy();
      return;
    }
    const { pathname, searchParams } = new URL(url, this.url);
    if (!pathname.startsWith('/v1beta1')) {
      if (method !== 'GET' && method !== 'HEAD') return this.refuseUnknown(response, `${method} ${url}`);
      // The real one answers every unknown path with its index.html.
      response.writeHead(200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Cache-Control': 'no-cache, private, max-age=0',
        'Last-Modified': 'Fri, 27 Nov 2026 08:00:00 GMT',
      });
      response.end(this.document);
      return;
    }
    const user = this.users.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (!user) return json(response, 401, { error: 'Unauthorized' });
    this.api(response, { method, pathname, searchParams, body, user });
  }

  private api(
    response: ServerResponse,
    request: { method: string; pathname: string; searchParams: URLSearchParams; body: string; user: FakeUser },
  ): undefined {
    const { method, pathname, searchParams, body, user } = request;
    const base = `/v1beta1/projects/${this.options.project}`;
    const forbidden = (what: 'read' | 'promote' | 'abort') => {
      if (!user.forbidden?.includes(what)) return false;
      json(response, 403, { error: `stages.kargo.akuity.io is forbidden: ${user.actor} is not permitted to ${what}` });
      return true;
    };
    if (method === 'GET' && pathname === `${base}/stages`) {
      if (forbidden('read')) return;
      return json(response, 200, { metadata: { resourceVersion: '1' }, items: [...this.stages.values()] });
    }
    if (method === 'GET' && pathname === `${base}/freight`) {
      if (forbidden('read')) return;
      return json(response, 200, { groups: { '': { items: [...this.freight.values()] } }, resourceVersion: '1' });
    }
    if (method === 'GET' && pathname === `${base}/promotions`) {
      if (forbidden('read')) return;
      const stage = searchParams.get('stage');
      const items = [...this.promotions.values()].filter((one) => stage === null || one.spec?.stage === stage);
      return json(response, 200, { metadata: { resourceVersion: '1' }, items });
    }
    const abort = new RegExp(`^${base}/promotions/([^/]+)/abort$`).exec(pathname);
    if (method === 'POST' && abort) {
      if (forbidden('abort')) return;
      return this.abort(response, decodeURIComponent(abort[1]!), user);
    }
    if (method === 'POST' && pathname === '/v1beta1/resources') {
      if (forbidden('promote')) return;
      return this.createResource(response, body, user);
    }
    const promote = new RegExp(`^${base}/stages/([^/]+)/promotions$`).exec(pathname);
    if (method === 'POST' && promote) {
      if (forbidden('promote')) return;
      const { freight = '' } = JSON.parse(body) as { freight?: string };
      return this.create(response, { stage: promote[1]!, freight, annotations: {} }, user, (made) => made);
    }
    const approve = new RegExp(`^${base}/freight/([^/]+)/approve$`).exec(pathname);
    if (method === 'POST' && approve) {
      return json(response, 403, {
        error: `freights.kargo.akuity.io "${approve[1]}" is forbidden: ValidatingAdmissionPolicy 'gate-freight' with binding 'gate-freight' denied request: approval: Freight reaches ${searchParams.get('stage')} by way of the stages before it`,
      });
    }
    this.refuseUnknown(response, `${method} ${pathname}`);
  }

  private createResource(response: ServerResponse, body: string, user: FakeUser): undefined {
    const manifest = JSON.parse(body) as { kind?: string; apiVersion?: string } & KargoPromotion;
    if (
      manifest.kind !== 'Promotion' ||
      manifest.apiVersion !== 'kargo.akuity.io/v1alpha1' ||
      !manifest.metadata?.name
    ) {
      return this.refuseUnknown(response, `POST /v1beta1/resources with ${manifest.kind}`);
    }
    const { stage = '', freight = '' } = manifest.spec ?? {};
    this.create(response, { stage, freight, annotations: manifest.metadata.annotations ?? {} }, user, (made) => ({
      results: [{ createdResourceManifest: made }],
    }));
  }

  private create(
    response: ServerResponse,
    asked: { stage: string; freight: string; annotations: Readonly<Record<string, string>> },
    user: FakeUser,
    answer: (promotion: KargoPromotion) => unknown,
  ): undefined {
    const stage = this.options.chain.find((one) => one.name === asked.stage);
    if (!stage) return json(response, 404, { error: `stage.kargo.akuity.io "${asked.stage}" not found` });
    const now = this.options.now();
    const decision = decidePromotion(stage, {
      at: DateTime.fromJSDate(now),
      actor: user.actor,
      note: asked.annotations[gateAnnotation.note],
      breakGlass: asked.annotations[gateAnnotation.breakGlass],
    });
    if (!decision.allowed) {
      return json(response, 403, {
        error: `promotions.kargo.akuity.io "${asked.stage}.01kb.${asked.freight.slice(0, 7)}" is forbidden: ValidatingAdmissionPolicy 'gate-promotion-create' with binding 'gate-promotion-create' denied request: ${decision.message}`,
      });
    }
    const promotion = this.addPromotion({ ...asked, actor: user.actor });
    json(response, 201, answer(promotion));
  }

  /** Puts a Promotion there, by the way of the API server. */
  addPromotion(asked: {
    stage: string;
    freight: string;
    actor?: string;
    phase?: string;
    message?: string;
    annotations?: Readonly<Record<string, string>>;
  }): KargoPromotion {
    this.created += 1;
    const now = this.options.now();
    const name = `${asked.stage}.${ulid(now.getTime(), this.created)}.${asked.freight.slice(0, 7)}`;
    const promotion: KargoPromotion = {
      metadata: {
        name,
        namespace: this.options.project,
        uid: `uid-${this.created}`,
        creationTimestamp: now.toISOString().replace(/\.\d+Z$/, 'Z'),
        annotations: {
          ...(asked.actor === undefined ? {} : { 'kargo.akuity.io/create-actor': asked.actor }),
          ...asked.annotations,
        },
      },
      spec: { stage: asked.stage, freight: asked.freight },
      status: asked.phase === undefined ? undefined : { phase: asked.phase, message: asked.message },
    };
    this.promotions.set(name, promotion);
    return promotion;
  }

  private abort(response: ServerResponse, name: string, user: FakeUser): undefined {
    const promotion = this.promotions.get(name) as Mutable<KargoPromotion> | undefined;
    if (!promotion) return json(response, 404, { error: `promotions.kargo.akuity.io "${name}" not found` });
    promotion.status = { ...promotion.status, phase: 'Aborted', finishedAt: this.options.now().toISOString() };
    promotion.metadata = {
      ...promotion.metadata,
      annotations: {
        ...promotion.metadata?.annotations,
        'kargo.akuity.io/abort': JSON.stringify({ action: 'terminate', actor: user.actor }),
      },
    };
    response.writeHead(200).end();
  }

  private refuseUnknown(response: ServerResponse, what: string): undefined {
    this.unknown.push(what);
    json(response, 404, { error: `the fake does not know ${what}` });
  }
}

function json(response: ServerResponse, status: number, body: unknown): undefined {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
  return undefined;
}

const ulidDigits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID of a moment; names of Promotions hold one, in lower case. */
export function ulid(millis: number, count: number): string {
  const digits = (value: number, length: number) =>
    Array.from({ length }, (_, index) => ulidDigits[Math.floor(value / 32 ** (length - 1 - index)) % 32]).join('');
  return `${digits(millis, 10)}${digits(count, 16)}`.toLowerCase();
}

/** A token as Kargo's log-in gives it; the fake looks only whether it knows the text. */
export function fakeToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
}

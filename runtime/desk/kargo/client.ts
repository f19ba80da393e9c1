import type { KargoFreight, KargoPromotion, KargoStage } from './types.ts';

/** What Kargo answered instead of doing what it was asked. */
export class KargoError extends Error {
  /** HTTP status; 0 if Kargo did not answer at all. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'KargoError';
    this.status = status;
  }
}

export interface KargoClientOptions {
  /** Base address without slash at the end; '' in a browser on Kargo's own host. */
  readonly url: string;
  /** The user's own token. It is sent to Kargo and kept nowhere else. */
  readonly token: string;
  /** @default the global fetch */
  readonly fetch?: typeof fetch;
  /** Time for one request, in milliseconds. @default 15000 */
  readonly timeout?: number;
  /** Largest answer that is read, in bytes. @default 256 MiB */
  readonly largestAnswer?: number;
}

/** A Promotion as a user asks for it. Kargo names it and stamps who asked. */
export interface NewPromotion {
  readonly project: string;
  readonly stage: string;
  readonly freight: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Speaks Kargo's REST API with the token of one user. Used by the server, by the page and in the stock dashboard. */
export class KargoClient {
  private readonly options: KargoClientOptions;

  constructor(options: KargoClientOptions) {
    this.options = options;
  }

  /** @throws KargoError */
  async stages(project: string): Promise<readonly KargoStage[]> {
    const list = await this.request<{ items?: KargoStage[] }>(
      'GET',
      `/v1beta1/projects/${encodeURIComponent(project)}/stages`,
    );
    return list.items ?? [];
  }

  /** All Freight of the project, whatever stage it is in. @throws KargoError */
  async freight(project: string): Promise<readonly KargoFreight[]> {
    const answer = await this.request<{ groups?: Record<string, { items?: KargoFreight[] }> }>(
      'GET',
      `/v1beta1/projects/${encodeURIComponent(project)}/freight`,
    );
    return Object.values(answer.groups ?? {}).flatMap((group) => group.items ?? []);
  }

  /** The Promotions of one stage that Kargo still has, oldest first. @throws KargoError */
  async promotions(project: string, stage: string): Promise<readonly KargoPromotion[]> {
    const list = await this.request<{ items?: KargoPromotion[] }>(
      'GET',
      `/v1beta1/projects/${encodeURIComponent(project)}/promotions?stage=${encodeURIComponent(stage)}`,
    );
    return list.items ?? [];
  }

  /**
   * Creates a Promotion with annotations, which Kargo's own promote endpoint cannot do.
   * @throws KargoError with the words of the gate where it refuses
   */
  async createPromotion(promotion: NewPromotion): Promise<KargoPromotion> {
    const manifest = {
      apiVersion: 'kargo.akuity.io/v1alpha1',
      kind: 'Promotion',
      // Kargo looks for an existing object first, so the name must not be empty; its webhook then gives the real one.
      metadata: { namespace: promotion.project, name: `desk-${randomName()}`, annotations: promotion.annotations },
      spec: { stage: promotion.stage, freight: promotion.freight },
    };
    const answer = await this.request<{ results?: { createdResourceManifest?: KargoPromotion; error?: string }[] }>(
      'POST',
      '/v1beta1/resources',
      { type: 'text/plain', text: JSON.stringify(manifest) },
    );
    const result = answer.results?.[0];
    if (result?.error) throw new KargoError(500, result.error);
    if (!result?.createdResourceManifest) throw new KargoError(502, 'Kargo answered without the Promotion it made');
    return result.createdResourceManifest;
  }

  /** Asks Kargo to end a Promotion that waits or runs. @throws KargoError */
  async abort(project: string, promotion: string): Promise<void> {
    await this.request(
      'POST',
      `/v1beta1/projects/${encodeURIComponent(project)}/promotions/${encodeURIComponent(promotion)}/abort`,
    );
  }

  private async request<Answer>(method: string, path: string, body?: { type: string; text: string }): Promise<Answer> {
    const { url, token, timeout = 15_000, largestAnswer = 256 * 2 ** 20 } = this.options;
    const send = this.options.fetch ?? fetch;
    let response: Response;
    let text: string;
    try {
      response = await send(`${url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...(body ? { 'Content-Type': body.type } : {}) },
        body: body?.text,
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
      });
      text = await readText(response, largestAnswer);
    } catch (error) {
      if (error instanceof KargoError) throw error;
      throw new KargoError(0, `Kargo does not answer (${reasonOf(error)}).`);
    }
    if (!response.ok)
      throw new KargoError(response.status, errorText(text) ?? `Kargo answered with status ${response.status}`);
    if (text === '') return {} as Answer;
    try {
      return JSON.parse(text) as Answer;
    } catch {
      throw new KargoError(502, 'Kargo answered with something that is not JSON');
    }
  }
}

async function readText(response: Response, largest: number): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > largest) {
      await reader.cancel();
      throw new KargoError(502, 'Kargo answered with more than the desk reads');
    }
    parts.push(decoder.decode(value, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join('');
}

function errorText(body: string): string | undefined {
  try {
    const parsed = JSON.parse(body) as { error?: unknown; message?: unknown };
    const text = parsed.error ?? parsed.message;
    return typeof text === 'string' && text !== '' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** A short reason that never holds what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  return error.name === 'TimeoutError' ? 'time-out' : 'no connection';
}

function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

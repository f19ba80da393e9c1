import type {
  DeskConfiguration,
  DeskState,
  GateAnswer,
  HistoryAnswer,
  HistoryFilter,
  PromotionAnswer,
  PromotionRequest,
  QueuedPromotion,
  VerifyAnswer,
} from '../api/types.ts';

/** What went wrong, for the user. Status 0: the desk did not answer; 401: log in (again). */
export class DeskError extends Error {
  readonly status: number;
  /** Whether the desk itself said so; false if it was not reached at all. */
  readonly answered: boolean;

  constructor(status: number, message: string, answered = false) {
    super(message);
    this.name = 'DeskError';
    this.status = status;
    this.answered = answered;
  }
}

/** Where Kargo's own dashboard keeps the token of the user who logged in. */
const tokenKey = 'auth_token';
const refreshKey = 'refresh_token';

export function kargoToken(): string | undefined {
  try {
    return localStorage.getItem(tokenKey) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Kargo's own log-in (or its renewal), from which it comes back to this page. */
export function loginAddress(from: string): string {
  let renewable = false;
  try {
    renewable = localStorage.getItem(refreshKey) !== null && localStorage.getItem(tokenKey) !== null;
  } catch {
    // Without storage nobody is logged in.
  }
  return `${renewable ? '/token-renew' : '/login'}?redirectTo=${encodeURIComponent(from)}`;
}

/** The desk's API, asked with Kargo's token from the browser. */
export class DeskClient {
  private readonly send: typeof fetch;
  private stateTag: string | undefined;
  private lastState: DeskState | undefined;
  private offset = 0;

  /** @param send the browser's own fetch, not one that somebody wrapped */
  constructor(send: typeof fetch) {
    this.send = send;
  }

  /** Now, by the server's clock. */
  now(): Date {
    return new Date(Date.now() + this.offset);
  }

  async configuration(): Promise<DeskConfiguration> {
    const answer = await this.json<DeskConfiguration>('/desk/api/settings');
    this.tune(answer.now);
    return answer;
  }

  async state(): Promise<DeskState> {
    const response = await this.request(
      '/desk/api/state',
      this.stateTag ? { headers: { 'If-None-Match': this.stateTag } } : {},
    );
    this.tune(response.headers.get('Desk-Now') ?? undefined);
    if (response.status === 304 && this.lastState) return this.lastState;
    this.lastState = (await response.json()) as DeskState;
    this.stateTag = response.headers.get('ETag') ?? undefined;
    return this.lastState;
  }

  async queue(stage: string): Promise<readonly QueuedPromotion[]> {
    return (await this.json<{ queue: QueuedPromotion[] }>(`/desk/api/stages/${encodeURIComponent(stage)}/queue`)).queue;
  }

  async promote(request: PromotionRequest): Promise<PromotionAnswer> {
    return this.json<PromotionAnswer>('/desk/api/promotions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    });
  }

  async history(filter: HistoryFilter, offset: number, limit: number): Promise<HistoryAnswer> {
    const query = new URLSearchParams({ ...filter, offset: String(offset), limit: String(limit) });
    return this.json<HistoryAnswer>(`/desk/api/history?${query}`);
  }

  async exported(filter: HistoryFilter, format: 'csv' | 'json'): Promise<Blob> {
    const response = await this.request(`/desk/api/history/history.${format}?${new URLSearchParams(filter)}`);
    return response.blob();
  }

  async gate(): Promise<GateAnswer> {
    return this.json<GateAnswer>('/desk/api/gate');
  }

  async verify(): Promise<VerifyAnswer> {
    return this.json<VerifyAnswer>('/desk/api/verify');
  }

  private async json<Answer>(address: string, init: RequestInit = {}): Promise<Answer> {
    const response = await this.request(address, init);
    return (await response.json()) as Answer;
  }

  private async request(address: string, init: RequestInit = {}): Promise<Response> {
    const token = kargoToken();
    if (token === undefined) throw new DeskError(401, 'You are not logged in to Kargo.');
    let response: Response;
    try {
      // Called as a plain function: a browser's fetch refuses any other `this`.
      const send = this.send;
      response = await send(address, {
        ...init,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
        cache: 'no-store',
        credentials: 'omit',
      });
    } catch {
      throw new DeskError(0, 'The promotion desk does not answer.');
    }
    if (response.ok || response.status === 304) return response;
    const words = await errorIn(response);
    throw new DeskError(
      response.status,
      words ?? `The promotion desk answered with status ${response.status}.`,
      words !== undefined,
    );
  }

  private tune(serverNow: string | undefined): void {
    const at = serverNow === undefined ? Number.NaN : Date.parse(serverNow);
    if (!Number.isNaN(at)) this.offset = at - Date.now();
  }
}

async function errorIn(response: Response): Promise<string | undefined> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}

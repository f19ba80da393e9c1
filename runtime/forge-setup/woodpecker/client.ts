import { HttpSession } from '../http.ts';

export class WoodpeckerError extends Error {
  override readonly name = 'WoodpeckerError';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface WoodpeckerRepository {
  id: number;
  full_name: string;
  active: boolean;
  config_file: string;
  timeout: number;
  visibility: string;
  require_approval: string;
  allow_pr: boolean;
  trusted: { network: boolean; volumes: boolean; security: boolean };
}

/** Woodpecker's REST API with a token. */
export class WoodpeckerClient {
  readonly url: string;
  readonly #http: HttpSession;
  readonly #token: string;

  constructor(url: string, token: string, caFile?: string) {
    this.url = url.replace(/\/+$/, '');
    this.#http = new HttpSession(this.url, { caFile });
    this.#token = token;
  }

  /** The status and the parsed answer; the caller decides which status is an error. */
  async send<T>(method: string, path: string, json?: unknown): Promise<{ status: number; body: T; text: string }> {
    const reply = await this.#http.send(method, `/api${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
      ...(json === undefined ? {} : { json }),
    });
    let body: unknown;
    try {
      body = JSON.parse(reply.body);
    } catch {
      body = undefined;
    }
    return { status: reply.status, body: body as T, text: reply.body };
  }

  async call<T>(method: string, path: string, json?: unknown): Promise<T> {
    const { status, body, text } = await this.send<T>(method, path, json);
    if (status >= 300) {
      throw new WoodpeckerError(`${this.url}: ${method} ${path}: ${status} ${text.trim().slice(0, 300)}`, status);
    }
    return body;
  }

  /** Whether the token works. */
  async works(): Promise<boolean> {
    return (await this.send('GET', '/user')).status === 200;
  }
}

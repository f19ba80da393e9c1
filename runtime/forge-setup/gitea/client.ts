import { exitCode, ProgramEnd } from '../../program/exit.ts';
import { HttpSession } from '../http.ts';
import { type Credentials, logInToForge } from './web-session.ts';

export type { Credentials } from './web-session.ts';

/** An answer of the forge that was not expected. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface ForgeAccount {
  id: number;
  login: string;
  email: string;
  is_admin?: boolean;
}

/** Gitea's REST API, as the administrator. */
export class GiteaClient {
  readonly url: string;
  readonly credentials: Credentials;
  readonly #http: HttpSession;
  readonly #authorization: string;
  readonly #caFile: string | undefined;

  constructor(url: string, credentials: Credentials, caFile?: string) {
    this.url = url.replace(/\/+$/, '');
    this.credentials = credentials;
    this.#caFile = caFile;
    this.#http = new HttpSession(this.url, { caFile });
    const pair = `${credentials.username}:${credentials.password}`;
    this.#authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  /** Sends a request below /api/v1 and gives the parsed answer; 404 gives undefined where `optional`. */
  async call<T>(method: string, path: string, json?: unknown): Promise<T> {
    const reply = await this.#send(method, path, json);
    if (reply.status >= 300) throw this.#error(method, path, reply.status, reply.body);
    return (reply.body === '' ? undefined : JSON.parse(reply.body)) as T;
  }

  async find<T>(path: string): Promise<T | undefined> {
    const reply = await this.#send('GET', path);
    if (reply.status === 404) return undefined;
    if (reply.status >= 300) throw this.#error('GET', path, reply.status, reply.body);
    return JSON.parse(reply.body) as T;
  }

  /** All pages of a list. */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let page = 1; ; page += 1) {
      const more = await this.call<T[] | null>('GET', `${path}${path.includes('?') ? '&' : '?'}limit=50&page=${page}`);
      items.push(...(more ?? []));
      if ((more ?? []).length < 50) return items;
    }
  }

  /**
   * Checks that the administrator can work.
   *
   * @throws ProgramEnd that tells a wrong password, a second factor and missing rights apart
   */
  async checkAdministrator(): Promise<void> {
    const { username } = this.credentials;
    const reply = await this.#send('GET', '/user');
    if (reply.status === 200) {
      const account = JSON.parse(reply.body) as ForgeAccount;
      if (account.is_admin !== true) {
        throw new ProgramEnd(
          exitCode.usage,
          `${this.url}: ${username} is no administrator of the forge; give one that is`,
        );
      }
      return;
    }
    if (reply.status === 401 || reply.status === 403) {
      // The API answers alike for a wrong password and a second factor; the log-in page tells them apart.
      await logInToForge(this.url, this.credentials, this.#caFile);
      throw new ProgramEnd(
        exitCode.usage,
        `${this.url}: the forge lets ${username} log in, but not use its API with the password; see ENABLE_BASIC_AUTHENTICATION`,
      );
    }
    throw this.#error('GET', '/user', reply.status, reply.body);
  }

  #send(method: string, path: string, json?: unknown) {
    return this.#http.send(method, `/api/v1${path}`, {
      headers: { authorization: this.#authorization },
      ...(json === undefined ? {} : { json }),
    });
  }

  #error(method: string, path: string, status: number, body: string): ForgeError {
    let words = body.trim().slice(0, 300);
    try {
      words = (JSON.parse(body) as { message?: string }).message ?? words;
    } catch {
      // Not JSON: a proxy or an error page answered.
    }
    return new ForgeError(`${this.url}: ${method} ${path}: ${status} ${words}`, status);
  }
}

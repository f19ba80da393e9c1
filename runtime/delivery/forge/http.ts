import { HttpSession, type Reply } from '../../forge-setup/http.ts';
import { ProgramEnd } from '../../program/exit.ts';

/** JSON over HTTP with a fixed log-in; an answer that was not expected ends the program with the server's own words. */
export class JsonApi {
  readonly #session: HttpSession;
  readonly #base: string;
  readonly #authorization: string;

  constructor(base: string, authorization: string, caFile?: string | undefined) {
    this.#base = base;
    this.#session = new HttpSession(base, { caFile });
    this.#authorization = authorization;
  }

  /** The answer, or undefined where there is nothing (404). */
  async find<T>(path: string): Promise<T | undefined> {
    const reply = await this.#send('GET', path);
    return reply.status === 404 ? undefined : this.#json<T>('GET', path, reply);
  }

  async get<T>(path: string): Promise<T> {
    return this.#json<T>('GET', path, await this.#send('GET', path));
  }

  async send<T = unknown>(method: 'POST' | 'PUT' | 'PATCH', path: string, json: unknown): Promise<T> {
    return this.#json<T>(method, path, await this.#send(method, path, json));
  }

  #send(method: string, path: string, json?: unknown): Promise<Reply> {
    return this.#session.send(method, path, {
      headers: { authorization: this.#authorization, 'user-agent': 'delivery' },
      ...(json === undefined ? {} : { json }),
    });
  }

  #json<T>(method: string, path: string, reply: Reply): T {
    if (reply.status === 401 || reply.status === 203 || (reply.status === 302 && method === 'GET')) {
      throw new ProgramEnd(2, `${this.#base}: the log-in is refused; renew the token in the forge's Secret`);
    }
    if (reply.status < 200 || reply.status >= 300) {
      const words = reply.body.replaceAll(/\s+/g, ' ').slice(0, 300);
      throw new ProgramEnd(1, `${method} ${this.#base}${path.split('?')[0]}: ${reply.status} ${words}`);
    }
    return (reply.body === '' ? undefined : JSON.parse(reply.body)) as T;
  }
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

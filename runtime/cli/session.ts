import type { DateTime } from 'luxon';
import type { GateClientSettings } from '../../model/gate-client/settings.ts';
import { KargoClient, KargoError } from '../desk/kargo/client.ts';
import { CliError, type Io } from './io.ts';
import { readSettings } from './settings.ts';
import { type Login, login } from './token.ts';

/** Options that every command has. */
export interface CommonOptions {
  readonly system?: string;
  readonly settings?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** What a command works with: settings, the user's login and Kargo, each made when it is first needed. */
export class Session {
  readonly io: Io;
  readonly json: boolean;
  private readonly options: CommonOptions;
  private readonly made: { settings?: GateClientSettings; login?: Login; kargo?: KargoClient } = {};

  constructor(io: Io, options: CommonOptions) {
    this.io = io;
    this.options = options;
    this.json = options.json ?? false;
  }

  get settings(): GateClientSettings {
    this.made.settings ??= readSettings({ ...this.options, env: this.io.env });
    return this.made.settings;
  }
  get login(): Login {
    this.made.login ??= login(this.settings, this.io, this.options.tokenFile);
    return this.made.login;
  }
  get kargo(): KargoClient {
    this.made.kargo ??= new KargoClient({ url: this.settings.kargoUrl, token: this.login.token, fetch: this.io.fetch });
    return this.made.kargo;
  }
  get now(): DateTime {
    return this.io.now();
  }

  /** Prints a result: as JSON, or as the text that `text` makes. */
  print(value: unknown, text: () => string): void {
    this.io.out(this.json ? `${JSON.stringify(value, undefined, 2)}\n` : text());
  }

  /** A remark for people; not part of the JSON. */
  remark(text: string): void {
    if (!this.json) this.io.err(`${text}\n`);
  }

  /** Asks the promotion desk with the user's token. @throws CliError in words */
  async desk<Answer>(path: string): Promise<Answer> {
    const { deskUrl } = this.settings;
    if (deskUrl === undefined) throw new CliError(`the system ${this.settings.system} has no promotion desk`);
    const { token } = this.login;
    let response: Response;
    let text: string;
    try {
      response = await this.io.fetch(`${deskUrl}${path}`, {
        headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(120_000),
      });
      text = await response.text();
    } catch (error) {
      throw new CliError(`the promotion desk does not answer (${codeOf(error)})${certificateHint(codeOf(error))}`);
    }
    let body: { error?: unknown };
    try {
      body = JSON.parse(text) as typeof body;
    } catch {
      throw new CliError(
        `${deskUrl} answered with something that is not JSON (status ${response.status}); is it the promotion desk?`,
      );
    }
    if (!response.ok)
      throw new CliError(
        explainStatus(
          response.status,
          typeof body.error === 'string' ? body.error : `status ${response.status}`,
          this.settings,
        ),
      );
    return body as Answer;
  }

  /** Words for what Kargo answered. */
  explain(error: unknown): unknown {
    if (!(error instanceof KargoError)) return error;
    const code = /\(([A-Z_0-9]+)\)/.exec(error.message)?.[1] ?? '';
    return new CliError(explainStatus(error.status, error.message, this.settings) + certificateHint(code));
  }
}

function explainStatus(status: number, words: string, settings: GateClientSettings): string {
  if (status === 401) return `Kargo does not accept the log-in: ${words}. Run: kargo login ${settings.kargoUrl} --sso`;
  return words;
}

function codeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: unknown } }).cause?.code;
  return typeof cause === 'string' ? cause : error instanceof Error ? error.name : 'unknown reason';
}

function certificateHint(code: string): string {
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  return certificate ? '. Name the file of your certificate authority in NODE_EXTRA_CA_CERTS' : '';
}

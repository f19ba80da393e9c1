import { createHash } from 'node:crypto';
import { KargoClient, type KargoError } from '../kargo/client.ts';
import type { KargoFreight, KargoStage } from '../kargo/types.ts';

/** What Kargo shows one user: its answer is also the proof that the token is good. */
export interface KargoSnapshot {
  readonly stages: readonly KargoStage[];
  readonly freight: readonly KargoFreight[];
}

export interface AccessOptions {
  readonly project: string;
  readonly kargoUrl: string;
  readonly now: () => Date;
  /** How old an answer may be to be shown again, in milliseconds: several tabs of one user are one question. @default 1500 */
  readonly shownFor?: number;
  /** How long Kargo's word that a token is good is believed, in milliseconds. @default 15000 */
  readonly believedFor?: number;
}

interface Entry {
  readonly at: number;
  readonly answer: Promise<KargoSnapshot>;
}

const mostUsers = 500;

/**
 * Asks Kargo, with the user's own token, for the stages and Freight of the project. The desk has no rights of its own, so
 * nobody sees through it what Kargo would not show. Tokens are remembered only as a hash, and only for seconds.
 */
export class Access {
  private readonly options: AccessOptions;
  private readonly entries = new Map<string, Entry>();

  constructor(options: AccessOptions) {
    this.options = options;
  }

  client(token: string): KargoClient {
    return new KargoClient({ url: this.options.kargoUrl, token });
  }

  /** @throws KargoError if Kargo refuses the token or is away */
  async snapshot(token: string): Promise<KargoSnapshot> {
    return this.ask(token, this.options.shownFor ?? 1500);
  }

  /** @throws KargoError unless Kargo lets the token read the project's stages */
  async check(token: string): Promise<void> {
    await this.ask(token, this.options.believedFor ?? 15_000);
  }

  private async ask(token: string, oldest: number): Promise<KargoSnapshot> {
    const key = createHash('sha256').update(token).digest('base64');
    const now = this.options.now().getTime();
    const known = this.entries.get(key);
    if (known && now - known.at < oldest && now >= known.at) return known.answer;
    const answer = this.fetch(token);
    this.entries.delete(key);
    this.entries.set(key, { at: now, answer });
    for (const [oldKey] of this.entries) {
      if (this.entries.size <= mostUsers) break;
      this.entries.delete(oldKey);
    }
    try {
      return await answer;
    } catch (error) {
      if (this.entries.get(key)?.answer === answer) this.entries.delete(key);
      throw error;
    }
  }

  private async fetch(token: string): Promise<KargoSnapshot> {
    const client = this.client(token);
    const [stages, freight] = await Promise.all([
      client.stages(this.options.project),
      client.freight(this.options.project),
    ]);
    return { stages, freight };
  }
}

/** HTTP status of the desk for what Kargo answered: its refusals pass, its failures are a bad gateway. */
export function statusOf(error: KargoError): 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 502 {
  const passed = [400, 401, 403, 404, 409, 413, 422, 429, 500] as const;
  return passed.find((status) => status === error.status) ?? 502;
}

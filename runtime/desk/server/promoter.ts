import type { DeskSettings } from '../../../model/desk/settings.ts';
import { gateAnnotation } from '../../../model/gate/annotations.ts';
import { normaliseText } from '../../../model/gate/text.ts';
import type { PromotionAnswer, PromotionRequest } from '../api/types.ts';
import { type KargoClient, KargoError } from '../kargo/client.ts';
import { denialInWords, isDenial } from '../kargo/denial.ts';
import { isFinished } from '../kargo/types.ts';
import { type Access, statusOf } from './access.ts';
import type { Log } from './log.ts';
import type { Attempt, Recorder } from './recorder.ts';
import { tokenOwner } from './token.ts';

/** The promotion was not made; the message is for the user. */
export class Refused extends Error {
  readonly status: ReturnType<typeof statusOf>;

  constructor(status: ReturnType<typeof statusOf>, message: string) {
    super(message);
    this.name = 'Refused';
    this.status = status;
  }
}

export interface PromoterOptions {
  readonly settings: DeskSettings;
  readonly access: Access;
  readonly recorder?: Recorder;
  readonly log: Log;
  /** How long a promotion waits for the recorder, in milliseconds. @default 3000 */
  readonly recorderPatience?: number;
}

/**
 * Asks Kargo for a promotion in the user's name. The gate in the API server decides; the desk adds the annotations, tells
 * the recorder what Kargo keeps no trace of, and clears the queue for a break-glass promotion.
 */
export class Promoter {
  private readonly options: PromoterOptions;

  constructor(options: PromoterOptions) {
    this.options = options;
  }

  /** @throws Refused if Kargo or the gate says no, or Kargo is away */
  async promote(token: string, request: PromotionRequest, attempt: string): Promise<PromotionAnswer> {
    const { settings, access, log } = this.options;
    const client = access.client(token);
    const note = textOf(request.note);
    const justification = textOf(request.breakGlass);
    const facts = {
      attempt,
      project: settings.project,
      stage: request.stage,
      freight: request.freight,
      tag: request.tag,
      actor: tokenOwner(token, settings.usernameClaim).actor,
      note,
      justification,
    };
    // Nobody without a good token writes to the audit log.
    await access.check(token);
    const warnings: string[] = [];
    if (justification !== undefined && !(await this.tell({ ...facts, type: 'break-glass-announced' }))) {
      warnings.push(
        'The audit recorder does not answer. The justification stands on the promotion itself and is recorded once the recorder is back.',
      );
    }
    let created: Awaited<ReturnType<KargoClient['createPromotion']>>;
    try {
      created = await client.createPromotion({
        project: settings.project,
        stage: request.stage,
        freight: request.freight,
        annotations: {
          ...(note === undefined ? {} : { [gateAnnotation.note]: note }),
          ...(justification === undefined ? {} : { [gateAnnotation.breakGlass]: justification }),
        },
      });
    } catch (error) {
      if (!(error instanceof KargoError)) throw error;
      const reason = denialInWords(error.message);
      log.info('a promotion was refused', { stage: request.stage, freight: request.freight, status: error.status });
      // A failure is no refusal: what broke on the way did not say no.
      if (isRefusal(error)) await this.tell({ ...facts, type: 'promotion-denied', reason });
      throw new Refused(statusOf(error), reason);
    }
    const promotion = created.metadata?.name ?? '';
    log.info('a promotion was created', {
      stage: request.stage,
      freight: request.freight,
      promotion,
      breakGlass: justification !== undefined,
    });
    const cleared =
      justification === undefined ? { aborted: [], warnings: [] } : await this.clear(client, request, promotion);
    return { promotion, object: created, aborted: cleared.aborted, warnings: [...warnings, ...cleared.warnings] };
  }

  /** Aborts what the user chose, and only what waits or runs in this very stage. The new promotion exists already. */
  private async clear(
    client: KargoClient,
    request: PromotionRequest,
    created: string,
  ): Promise<{ aborted: readonly string[]; warnings: readonly string[] }> {
    const chosen = new Set(request.abort ?? []);
    if (chosen.size === 0) return { aborted: [], warnings: [] };
    const { project } = this.options.settings;
    const aborted: string[] = [];
    const warnings: string[] = [];
    try {
      const promotions = await client.promotions(project, request.stage);
      for (const one of promotions) {
        const name = one.metadata?.name ?? '';
        if (!chosen.has(name) || name === created || isFinished(one)) continue;
        try {
          await client.abort(project, name);
          aborted.push(name);
        } catch (error) {
          warnings.push(
            `${name} was not aborted and goes first: ${error instanceof KargoError ? error.message : 'unknown reason'}`,
          );
        }
      }
    } catch (error) {
      warnings.push(
        `The queue could not be cleared: ${error instanceof KargoError ? error.message : 'unknown reason'}`,
      );
    }
    return { aborted, warnings };
  }

  private async tell(attempt: Attempt): Promise<boolean> {
    const { recorder, log, recorderPatience = 3000 } = this.options;
    if (!recorder) return true;
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('time-out')), recorderPatience);
      });
      await Promise.race([recorder.report(attempt), late]);
      return true;
    } catch {
      log.warn('the audit recorder did not take a report', { type: attempt.type, attempt: attempt.attempt });
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}

function textOf(text: string | undefined): string | undefined {
  const normal = text === undefined ? '' : normaliseText(text);
  return normal === '' ? undefined : normal;
}

function isRefusal(error: KargoError): boolean {
  return error.status === 403 || error.status === 422 || (error.status === 500 && isDenial(error.message));
}

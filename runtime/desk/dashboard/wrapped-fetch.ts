import { gateAnnotation } from '../../../model/gate/annotations.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import type { BuildView, DeskConfiguration, PromotionAnswer, PromotionRequest } from '../api/types.ts';
import { type DeskClient, DeskError, kargoToken } from '../client/desk-client.ts';
import { askPromotion, type PromotionOutcome } from '../dialog/promotion-dialog.ts';
import { KargoClient, KargoError } from '../kargo/client.ts';
import { denialInWords, isDenial } from '../kargo/denial.ts';
import { type PromotionIntent, promotionIntent } from './intent.ts';
import { showNotice } from './notice.ts';

type Fetch = typeof fetch;

export interface WrapOptions {
  /** The browser's own fetch. */
  readonly original: Fetch;
  readonly client: DeskClient;
  readonly configuration: () => Promise<DeskConfiguration>;
}

/**
 * Kargo's fetch with our dialog in front of promotions. Whatever goes wrong on our side, the request goes its ordinary way:
 * the dashboard works as ever, and the gate in the API server decides.
 */
export function wrapFetch(options: WrapOptions): Fetch {
  const { original } = options;
  return async (input, init) => {
    let request: { method: string; url: URL } | undefined;
    try {
      request = describe(input, init);
    } catch {
      request = undefined;
    }
    if (!request || request.url.origin !== location.origin || request.method === 'GET') return original(input, init);
    let handled: Response | 'pass' | 'cancelled' = 'pass';
    try {
      const intent = promotionIntent(request.method, request.url.pathname, await bodyOf(input, init));
      if (intent) handled = await handle(intent, options);
    } catch (error) {
      console.warn('promotion desk: the request goes on without the dialog', error);
    }
    // Kargo's dashboard shows every error but this kind.
    if (handled === 'cancelled') throw new DOMException('The promotion was cancelled', 'AbortError');
    if (handled !== 'pass') return handled;
    return inWords(await original(input, init), request.url.pathname);
  };
}

function describe(input: RequestInfo | URL, init: RequestInit | undefined): { method: string; url: URL } {
  const address = input instanceof Request ? input.url : String(input);
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  return { method: method.toUpperCase(), url: new URL(address, document.baseURI) };
}

async function bodyOf(input: RequestInfo | URL, init: RequestInit | undefined): Promise<string> {
  if (typeof init?.body === 'string') return init.body;
  if (init?.body === undefined && input instanceof Request) return input.clone().text();
  return '';
}

async function handle(intent: PromotionIntent, options: WrapOptions): Promise<Response | 'pass' | 'cancelled'> {
  const configuration = await options.configuration();
  if (intent.project !== configuration.project) return 'pass';
  const state = await options.client.state();
  const freight = state.freight.find(
    (one) => one.freight === intent.freight || (intent.freight === undefined && one.alias === intent.freightAlias),
  );
  const name = freight?.freight ?? intent.freight;
  if (name === undefined) return 'pass';
  const build: BuildView = { freight: name, alias: freight?.alias, tag: freight?.tag ?? '' };
  if (intent.kind === 'downstream') return downstream(intent, build, configuration, options);
  const stage = configuration.stages.find((one) => one.name === intent.stage);
  if (!stage) return 'pass';
  const outcome = await ask(stage, build, configuration, options);
  return outcome.kind === 'created' ? json(201, outcome.answer.object) : 'cancelled';
}

/** One dialog per target. Kargo itself would hide what failed behind a status of success. */
async function downstream(
  intent: PromotionIntent,
  build: BuildView,
  configuration: DeskConfiguration,
  options: WrapOptions,
): Promise<Response | 'pass' | 'cancelled'> {
  const kargo = kargoClient(options.original);
  const targets = (await kargo.stages(intent.project))
    .filter((stage) =>
      (stage.spec?.requestedFreight ?? []).some((request) => request.sources?.stages?.includes(intent.stage)),
    )
    .map((stage) => stage.metadata?.name ?? '');
  if (targets.length === 0) return 'pass';
  const created: unknown[] = [];
  const failed: string[] = [];
  for (const target of targets) {
    const stage = configuration.stages.find((one) => one.name === target);
    if (stage) {
      const outcome = await ask(stage, build, configuration, options);
      if (outcome.kind === 'created') created.push(outcome.answer.object);
      else failed.push(`${target}: ${outcome.refusal ?? 'cancelled'}`);
      continue;
    }
    try {
      created.push(
        await kargo.createPromotion({
          project: intent.project,
          stage: target,
          freight: build.freight,
          annotations: {},
        }),
      );
    } catch (error) {
      failed.push(`${target}: ${error instanceof KargoError ? denialInWords(error.message) : 'failed'}`);
    }
  }
  if (failed.length > 0 && (created.length > 0 || targets.length > 1)) {
    showNotice('Not promoted everywhere', failed);
  }
  return created.length > 0 ? json(201, { promotions: created }) : 'cancelled';
}

function ask(
  stage: Stage,
  build: BuildView,
  configuration: DeskConfiguration,
  options: WrapOptions,
): Promise<PromotionOutcome> {
  return askPromotion({
    stage,
    build,
    configuration,
    now: () => options.client.now(),
    queue: (name) => options.client.queue(name),
    promote: (request) => promote(request, configuration, options),
    light: true,
  });
}

/** By way of the desk, so that it is recorded; if the desk is not there, straight to Kargo with the same annotations. */
async function promote(
  request: PromotionRequest,
  configuration: DeskConfiguration,
  options: WrapOptions,
): Promise<PromotionAnswer> {
  try {
    return await options.client.promote(request);
  } catch (error) {
    if (!(error instanceof DeskError) || error.answered || ![404, 502, 503, 504].includes(error.status)) throw error;
  }
  const kargo = kargoClient(options.original);
  try {
    const created = await kargo.createPromotion({
      project: configuration.project,
      stage: request.stage,
      freight: request.freight,
      annotations: {
        ...(request.note === undefined ? {} : { [gateAnnotation.note]: request.note }),
        ...(request.breakGlass === undefined ? {} : { [gateAnnotation.breakGlass]: request.breakGlass }),
      },
    });
    const aborted: string[] = [];
    const warnings: string[] = [];
    for (const name of request.abort ?? []) {
      try {
        await kargo.abort(configuration.project, name);
        aborted.push(name);
      } catch (error) {
        warnings.push(
          `${name} was not aborted and goes first: ${error instanceof KargoError ? error.message : 'unknown reason'}`,
        );
      }
    }
    return { promotion: created.metadata?.name ?? '', object: created, aborted, warnings };
  } catch (error) {
    if (error instanceof KargoError) throw new DeskError(error.status, denialInWords(error.message), true);
    throw error;
  }
}

function kargoClient(original: Fetch): KargoClient {
  const token = kargoToken();
  if (token === undefined) throw new DeskError(401, 'You are not logged in to Kargo.');
  return new KargoClient({ url: '', token, fetch: (input, init) => original(input, init) });
}

/** A refusal of the gate, as the dashboard will show it: in words, without the names of policies and objects. */
async function inWords(response: Response, pathname: string): Promise<Response> {
  if (response.ok || !pathname.startsWith('/v1beta1/')) return response;
  try {
    const body = (await response.clone().json()) as { error?: unknown };
    if (typeof body.error !== 'string' || !isDenial(body.error)) return response;
    return json(response.status, { ...body, error: denialInWords(body.error) });
  } catch {
    return response;
  }
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
}

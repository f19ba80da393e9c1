/** A request of the stock dashboard that makes promotions. */
export interface PromotionIntent {
  readonly kind: 'promote' | 'downstream';
  readonly project: string;
  /** The target; for `downstream`, the stage whose followers are the targets. */
  readonly stage: string;
  readonly freight?: string;
  readonly freightAlias?: string;
}

const promote = /^\/v1beta1\/projects\/([^/]+)\/stages\/([^/]+)\/promotions(\/downstream)?\/?$/;

/**
 * What a request of Kargo's dashboard is about, or undefined if it makes no promotion of a chosen Freight (resuming
 * automatic promotion names a Warehouse, and goes its own way past the same gate).
 */
export function promotionIntent(method: string, pathname: string, body: string): PromotionIntent | undefined {
  const match = promote.exec(pathname);
  if (method !== 'POST' || !match) return undefined;
  const [, project, stage, downstream] = match;
  let parsed: { freight?: unknown; freightAlias?: unknown };
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch {
    return undefined;
  }
  const freight = textOf(parsed?.freight);
  const freightAlias = textOf(parsed?.freightAlias);
  if (freight === undefined && freightAlias === undefined) return undefined;
  return {
    kind: downstream ? 'downstream' : 'promote',
    project: decodeURIComponent(project!),
    stage: decodeURIComponent(stage!),
    freight,
    freightAlias,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

import type { Eligibility } from '../api/types.ts';
import type { KargoFreight, KargoStage, RequestedFreight } from '../kargo/types.ts';

/**
 * Whether a Freight may go to a stage, by Kargo's own rule (an approval, the Warehouse directly, or verified in the stages
 * before it and soaked there), and if not, what it waits for, in words.
 *
 * @param enabled whether the stage is switched on
 */
export function eligibilityOf(
  freight: KargoFreight,
  stage: KargoStage,
  stages: ReadonlyMap<string, KargoStage>,
  enabled: boolean,
  now: Date,
): Eligibility {
  const stageName = stage.metadata?.name ?? '';
  if (freight.status?.currentlyIn?.[stageName]) return { state: 'here' };
  if (!enabled) return { state: 'waiting', reason: `${stageName} is switched off` };
  if (freight.status?.approvedFor?.[stageName])
    return { state: 'eligible', reason: `approved for ${stageName} by hand` };
  const request = (stage.spec?.requestedFreight ?? []).find(
    ({ origin }) =>
      origin?.name === freight.origin?.name && (origin?.kind ?? 'Warehouse') === (freight.origin?.kind ?? 'Warehouse'),
  );
  if (!request)
    return { state: 'waiting', reason: `${stageName} takes nothing from ${freight.origin?.name ?? 'its origin'}` };
  if (request.sources?.direct) return { state: 'eligible' };
  return fromUpstream(freight, request, stages, now);
}

function fromUpstream(
  freight: KargoFreight,
  request: RequestedFreight,
  stages: ReadonlyMap<string, KargoStage>,
  now: Date,
): Eligibility {
  const upstream = request.sources?.stages ?? [];
  const obstacles = upstream.map((name) => obstacleIn(freight, name, request.sources?.requiredSoakTime, stages, now));
  const every = request.sources?.availabilityStrategy === 'All';
  const open = obstacles.filter((obstacle) => obstacle === undefined).length;
  if (every ? open === obstacles.length && open > 0 : open > 0) return { state: 'eligible' };
  const reasons = obstacles.filter((obstacle) => obstacle !== undefined);
  return {
    state: 'waiting',
    reason: reasons.join(every ? ' and ' : ' or ') || 'no stage before it lets builds through',
  };
}

/** What keeps a Freight from coming through a stage; undefined if nothing does. */
function obstacleIn(
  freight: KargoFreight,
  name: string,
  soak: string | undefined,
  stages: ReadonlyMap<string, KargoStage>,
  now: Date,
): string | undefined {
  const verified = freight.status?.verifiedIn?.[name];
  const inIt = freight.status?.currentlyIn?.[name];
  if (verified) {
    const needed = durationMs(soak);
    const current = inIt?.since ? now.getTime() - Date.parse(inIt.since) : 0;
    const soaked = Math.max(durationMs(verified.longestSoak), current);
    return soaked >= needed ? undefined : `it has to stay in ${name} for ${soak} first`;
  }
  const status = stages.get(name)?.status;
  const running = status?.currentPromotion;
  const freightName = freight.metadata?.name;
  if (running?.freight?.name === freightName && freightName !== undefined) return `its promotion to ${name} is running`;
  if (inIt) {
    const health = status?.health?.status;
    return health && health !== 'Healthy'
      ? `it is in ${name}, which is ${health}`
      : `it is in ${name}, not verified yet`;
  }
  const last = status?.lastPromotion;
  const failed =
    last?.status?.phase === 'Failed' || last?.status?.phase === 'Errored' || last?.status?.phase === 'Aborted';
  if (failed && last.freight?.name === freightName && freightName !== undefined) {
    const message = last.status?.message;
    return `its promotion to ${name} ${last.status?.phase === 'Aborted' ? 'was aborted' : 'failed'}${message ? `: ${message}` : ''}`;
  }
  return `it has not passed ${name}`;
}

/** A Go duration such as `1h30m`, in milliseconds; 0 if there is none. */
export function durationMs(text: string | undefined): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  let total = 0;
  for (const [, amount, unit] of (text ?? '').matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g))
    total += Number(amount) * (units[unit!] ?? 0);
  return total;
}

import { createHash } from 'node:crypto';
import { canonicalJson } from '../../model/audit/canonical-json.ts';
import type { AuditFact, AuditImage } from '../../model/audit/record.ts';
import type { KubernetesObject } from '../kubernetes/resources.ts';
import {
  type FreightContent,
  type FreightObject,
  kargoAnnotation,
  type PromotionObject,
  type StageObject,
} from './kargo-objects.ts';

/** Names of the annotations that carry note and justification. */
export interface GateAnnotations {
  readonly note: string;
  readonly breakGlass: string;
}

/** What else must be known to describe a promotion. */
export interface PromotionContext {
  readonly annotations: GateAnnotations;
  /** Undefined: Kargo has it no more. */
  readonly stage: StageObject | undefined;
  readonly freight: FreightObject | undefined;
}

/** Actor of a promotion that Kargo made by itself. */
export const automatic = 'automatic';
/** Longest text that is taken over from an object; longer ones are cut, and say so. */
const longestText = 4096;

/**
 * Everything that a Promotion, as it is now, says has happened, in order. Read again later it gives the same facts with
 * the same keys, and more. Keys hold the promotion's name, not its uid: the name survives a rebuild of the cluster.
 */
export function promotionFacts(promotion: PromotionObject, context: PromotionContext): AuditFact[] {
  const { metadata, status } = promotion;
  const name = metadata.name ?? '';
  const project = metadata.namespace ?? '';
  const annotation = (key: string) => textOf(metadata.annotations?.[key]);
  const actor = annotation(kargoAnnotation.createActor) ?? automatic;
  const images = imagesOf(context.freight ?? status?.freight);
  const created = createdAt(promotion);
  const common = {
    project,
    promotion: name,
    stage: promotion.spec?.stage ?? '',
    freight: promotion.spec?.freight ?? status?.freight?.name ?? '',
    tag: tagOf(context.freight ?? status?.freight),
    actor,
  };
  const key = (what: string) => `promotion/${project}/${name}/${what}`;
  const note = annotation(context.annotations.note);
  const breakGlass = annotation(context.annotations.breakGlass);
  const facts: AuditFact[] = [
    {
      ...common,
      type: 'promotion-created',
      key: key('created'),
      at: created,
      uid: metadata.uid ?? '',
      sourceStages: sourceStages(context.stage),
      freightAlias: textOf(context.freight?.alias),
      images,
      automatic: actor === automatic,
      note,
      breakGlass,
      rollback: metadata.annotations?.[kargoAnnotation.rollback] === 'true' ? true : undefined,
    },
  ];
  if (breakGlass !== undefined) {
    facts.push({
      ...common,
      type: 'break-glass',
      key: key('break-glass'),
      at: created,
      justification: breakGlass,
      note,
    });
  }
  const started = timeOf(status?.startedAt);
  if (started !== undefined || status?.phase === 'Running') {
    facts.push({ ...common, type: 'promotion-started', key: key('started'), at: started ?? created });
  }
  const ended = timeOf(status?.finishedAt) ?? started ?? created;
  const message = textOf(status?.message);
  switch (status?.phase) {
    case 'Succeeded':
    case 'Failed':
    case 'Errored':
      facts.push({
        ...common,
        type: 'promotion-finished',
        key: key(status.phase),
        at: ended,
        result: status.phase,
        message,
      });
      break;
    case 'Aborted':
      facts.push({
        ...common,
        type: 'promotion-aborted',
        key: key('Aborted'),
        at: ended,
        abortedBy: abortedBy(promotion),
        message,
      });
      break;
  }
  return facts;
}

/** The fact that an open promotion is gone. */
export function promotionRemoved(
  promotion: {
    readonly project: string;
    readonly promotion: string;
    readonly stage: string;
    readonly freight: string;
    readonly tag: string;
    readonly actor: string;
  },
  at: string,
): AuditFact {
  return {
    ...promotion,
    type: 'promotion-removed',
    key: `promotion/${promotion.project}/${promotion.promotion}/removed`,
    at,
  };
}

/** Stages that a Freight passed. */
export function verificationFacts(freight: FreightObject): AuditFact[] {
  return Object.entries(freight.status?.verifiedIn ?? {}).flatMap(([stage, { verifiedAt }]) => {
    const at = timeOf(verifiedAt);
    return at === undefined
      ? []
      : [
          {
            type: 'freight-verified',
            key: freightKey(freight, 'verified', stage, at),
            at,
            ...freightFields(freight),
            stage,
          },
        ];
  });
}

/** Stages that a Freight was let into by hand. The actor is not on the object: the caller finds it. */
export function approvals(
  freight: FreightObject,
): { readonly key: string; readonly at: string; readonly stage: string }[] {
  return Object.entries(freight.status?.approvedFor ?? {}).flatMap(([stage, { approvedAt }]) => {
    const at = timeOf(approvedAt);
    return at === undefined ? [] : [{ key: freightKey(freight, 'approved', stage, at), at, stage }];
  });
}

export function approvalFact(
  freight: FreightObject,
  approval: { readonly key: string; readonly at: string; readonly stage: string },
  actor: string,
): AuditFact {
  return { type: 'freight-approved', ...approval, ...freightFields(freight), actor };
}

/**
 * SHA-256 of what an object defines: its spec, and the annotations that steer the gate or describe a stage (a stage that
 * is switched off keeps its spec and says so in its description).
 */
export function definitionDigest(object: KubernetesObject, annotationPrefix: string): string {
  const annotations = Object.entries(object.metadata.annotations ?? {}).filter(
    ([key]) => key.startsWith(annotationPrefix) || key === kargoAnnotation.description,
  );
  return createHash('sha256')
    .update(canonicalJson({ spec: object.spec, annotations: Object.fromEntries(annotations) }))
    .digest('hex');
}

/** Image tag of a Freight: the tags joined by a comma when its images differ; the commit when it has no image. */
export function tagOf(freight: FreightContent | undefined): string {
  const tags = new Set((freight?.images ?? []).map((image) => image.tag ?? ''));
  tags.delete('');
  return [...tags].join(',') || freight?.commits?.[0]?.id || '';
}

function imagesOf(freight: FreightContent | undefined): AuditImage[] {
  return (freight?.images ?? []).map((image) => ({
    repository: image.repoURL ?? '',
    tag: image.tag ?? '',
    digest: image.digest || undefined,
  }));
}

function sourceStages(stage: StageObject | undefined): string[] {
  return [...new Set((stage?.spec?.requestedFreight ?? []).flatMap((request) => request.sources?.stages ?? []))];
}

function freightFields(freight: FreightObject) {
  return { project: freight.metadata.namespace ?? '', freight: freight.metadata.name ?? '', tag: tagOf(freight) };
}

function freightKey(freight: FreightObject, what: string, stage: string, at: string): string {
  return `freight/${freight.metadata.namespace}/${freight.metadata.name}/${what}/${stage}/${at}`;
}

function abortedBy(promotion: PromotionObject): string {
  const annotation = promotion.metadata.annotations?.[kargoAnnotation.abort];
  if (annotation === undefined) return 'unknown';
  try {
    const request = JSON.parse(annotation) as { actor?: unknown };
    return (typeof request.actor === 'string' && textOf(request.actor)) || 'unknown';
  } catch {
    return 'unknown';
  }
}

/**
 * When the promotion was asked for. A promotion that was restored into a new cluster is "created" at the restore, but its
 * name still holds the original time (ULID).
 */
function createdAt(promotion: PromotionObject): string {
  const stamp = timeOf(promotion.metadata.creationTimestamp);
  const inName = ulidTime(promotion.metadata.name ?? '');
  if (inName === undefined) return stamp ?? new Date(0).toISOString();
  if (stamp === undefined) return inName;
  return Math.abs(Date.parse(stamp) - Date.parse(inName)) > 60_000 && inName < stamp ? inName : stamp;
}

const ulidDigits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function ulidTime(name: string): string | undefined {
  const ulid = /(?:^|\.)([0-7][0-9A-HJKMNP-TV-Z]{25})(?:\.|$)/i.exec(name)?.[1]?.toUpperCase();
  if (ulid === undefined) return undefined;
  const milliseconds = [...ulid.slice(0, 10)].reduce((sum, digit) => sum * 32 + ulidDigits.indexOf(digit), 0);
  return new Date(milliseconds).toISOString();
}

function timeOf(text: string | undefined): string | undefined {
  if (!text) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** Undefined for a missing or empty text; a very long one is cut. */
function textOf(text: string | undefined): string | undefined {
  if (!text) return undefined;
  return text.length <= longestText ? text : `${text.slice(0, longestText)}… (${text.length} characters, cut)`;
}

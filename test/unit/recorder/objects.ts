import type { FreightObject, PromotionObject, StageObject } from '../../../runtime/recorder/kargo-objects.ts';
import { project } from './fake-cluster.ts';

export const tag = '9'.repeat(40);

export function stage(name: string, sources: readonly string[], annotations: Record<string, string> = {}): StageObject {
  return {
    metadata: { name, namespace: project, annotations },
    spec: { requestedFreight: [{ sources: sources.length === 0 ? { direct: true } : { stages: sources } }] },
  };
}

export function freight(
  name: string,
  status: FreightObject['status'] = {},
  images = [{ repoURL: 'registry/query-api', tag }],
): FreightObject {
  return { metadata: { name, namespace: project }, alias: `alias-${name}`, images, status };
}

/** A promotion in some phase; times are minutes after 2026-11-20T21:00Z. */
export function promotion(
  name: string,
  phase: string,
  more: {
    readonly stage?: string;
    readonly freight?: string;
    readonly annotations?: Record<string, string>;
    readonly minute?: number;
    readonly message?: string;
  } = {},
): PromotionObject {
  const at = (minute: number) =>
    new Date(Date.UTC(2026, 10, 20, 21, (more.minute ?? 0) + minute)).toISOString().replace('.000', '');
  const ended = ['Succeeded', 'Failed', 'Errored', 'Aborted'].includes(phase);
  return {
    metadata: {
      name,
      namespace: project,
      creationTimestamp: at(0),
      annotations: { 'kargo.akuity.io/create-actor': 'email:alice@example.org', ...more.annotations },
    },
    spec: { stage: more.stage ?? 'paper', freight: more.freight ?? 'f1' },
    status: {
      phase,
      message: more.message,
      startedAt: phase === 'Running' || ended ? at(1) : undefined,
      finishedAt: ended ? at(2) : undefined,
    },
  };
}

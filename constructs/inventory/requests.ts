import type { KubernetesObject } from '../core/index.ts';

/** What containers ask for. */
export interface Requests {
  readonly milliCpu: number;
  readonly bytes: number;
}

export function emptyRequests(): Requests {
  return { milliCpu: 0, bytes: 0 };
}

export function addRequests(a: Requests, b: Requests): Requests {
  return { milliCpu: a.milliCpu + b.milliCpu, bytes: a.bytes + b.bytes };
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly template?: {
    readonly spec?: {
      readonly containers?: ReadonlyArray<{
        readonly resources?: { readonly requests?: Readonly<Record<string, string | number>> };
      }>;
    };
  };
}

/** The requests of a workload that runs all the time, all of its replicas; undefined for anything else. */
export function requestsOf(object: KubernetesObject): Requests | undefined {
  if (object.kind !== 'Deployment' && object.kind !== 'StatefulSet') return undefined;
  const { replicas = 1, template } = object['spec'] as WorkloadSpec;
  const one = (template?.spec?.containers ?? [])
    .map(({ resources }) => ({
      milliCpu: milliCpu(resources?.requests?.['cpu']),
      bytes: bytes(resources?.requests?.['memory']),
    }))
    .reduce(addRequests, emptyRequests());
  return { milliCpu: one.milliCpu * replicas, bytes: one.bytes * replicas };
}

/** Thousandths of a CPU of `250m` or `2`. */
export function milliCpu(quantity: string | number | undefined): number {
  const text = String(quantity ?? '0');
  return text.endsWith('m') ? Number(text.slice(0, -1)) : Number(text) * 1000;
}

const units: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, '': 1 };

/** Bytes of `512Mi`. */
export function bytes(quantity: string | number | undefined): number {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti)?$/.exec(String(quantity ?? '0'));
  if (!match) throw new Error(`${JSON.stringify(quantity)} is no size in the units of this program; use Ki, Mi or Gi`);
  return Number(match[1]) * (units[match[2] ?? ''] ?? 1);
}

export function printCpu(value: number): string {
  return `${value}m`;
}

export function printMemory(value: number): string {
  return `${Math.round(value / 2 ** 20)}Mi`;
}

import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { isReason } from '../kubernetes/errors.ts';
import type { KubernetesObject, Resource } from '../kubernetes/resources.ts';

const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface WriterLeaseOptions {
  readonly client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly name: string;
  /** Name of this process; a restarted container of the same pod has the same and goes on at once. */
  readonly identity: string;
  /** Seconds that a holder may be silent before another takes over. @default 15 */
  readonly seconds?: number;
  /** Monotonic clock in milliseconds. @default performance.now */
  readonly clock?: () => number;
  readonly onChange?: (held: boolean, reason: string) => void;
}

/** The right to write, held by one process at a time. Time is measured, never compared between machines. */
export class WriterLease {
  private readonly options: WriterLeaseOptions;
  private readonly clock: () => number;
  private readonly duration: number;
  private validUntil = Number.NEGATIVE_INFINITY;
  private wasHeld = false;
  /** What was last seen of another holder, and when it was first seen so. */
  private seen: { readonly mark: string; readonly since: number } | undefined;
  private lastReason = 'not asked for yet';

  constructor(options: WriterLeaseOptions) {
    this.options = options;
    this.clock = options.clock ?? (() => performance.now());
    this.duration = (options.seconds ?? 15) * 1000;
  }

  /** True while nobody else can have it. Ends a fifth before the others may take it. */
  get held(): boolean {
    return this.clock() < this.validUntil;
  }

  /** Why it is not held, in words. */
  get reason(): string {
    return this.lastReason;
  }

  /** @throws Error unless the lease is held at this moment */
  readonly require = (): void => {
    if (!this.held) throw new Error(`this recorder may not write: ${this.lastReason}`);
  };

  /** Takes and renews the lease until the signal, then gives it back. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.step();
      await delay(this.held ? this.duration / 3 : Math.min(this.duration / 5, 2000), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  /** Gives the lease back, so that a successor need not wait. Call it when nothing is written any more. */
  async release(): Promise<void> {
    const held = this.held;
    this.validUntil = Number.NEGATIVE_INFINITY;
    if (!held) return;
    try {
      const lease = await this.find();
      if (lease?.spec?.holderIdentity !== this.options.identity) return;
      await this.options.client.replace(leases, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
    } catch {
      // It expires by itself.
    }
  }

  /** One attempt to take or renew. */
  async step(): Promise<void> {
    const asked = this.clock();
    try {
      if (await this.take()) this.validUntil = asked + this.duration * 0.8;
    } catch (error) {
      // While renewing fails, what was granted stays valid until its end.
      this.lastReason = isReason(error, 'Conflict', 'AlreadyExists')
        ? 'another recorder was quicker'
        : `the lease can't be had: ${(error as Error).message}`;
    }
    if (this.held !== this.wasHeld) {
      this.wasHeld = this.held;
      this.options.onChange?.(this.held, this.held ? 'held' : this.lastReason);
    }
  }

  private async take(): Promise<boolean> {
    const { client, namespace, name, identity } = this.options;
    const now = new Date().toISOString().replace('Z', '000Z');
    const lease = await this.find();
    const spec = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(this.duration / 1000), renewTime: now };
    if (!lease) {
      await client.create(leases, {
        metadata: { name, namespace },
        spec: { ...spec, acquireTime: now, leaseTransitions: 0 },
      });
      return true;
    }
    const holder = lease.spec?.holderIdentity ?? '';
    if (holder === identity) {
      await client.replace(leases, { ...lease, spec: { ...lease.spec, ...spec } });
      return true;
    }
    if (holder !== '' && !this.isSilent(lease)) {
      this.lastReason = `${holder} holds the lease ${namespace}/${name}`;
      this.validUntil = Number.NEGATIVE_INFINITY;
      return false;
    }
    const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + 1;
    await client.replace(leases, { ...lease, spec: { ...lease.spec, ...spec, acquireTime: now, leaseTransitions } });
    return true;
  }

  /** Whether the other holder has not renewed for its whole duration, by this machine's clock. */
  private isSilent(lease: Lease): boolean {
    const mark = `${lease.spec?.holderIdentity} ${lease.spec?.renewTime}`;
    if (this.seen?.mark !== mark) {
      this.seen = { mark, since: this.clock() };
      return false;
    }
    return this.clock() - this.seen.since >= (lease.spec?.leaseDurationSeconds ?? this.duration / 1000) * 1000;
  }

  private find(): Promise<Lease | undefined> {
    return this.options.client.find<Lease>(leases, this.options.name, this.options.namespace);
  }
}

import type { GateAnswer } from '../api/types.ts';
import type { DefinitionRecord, Recorder } from './recorder.ts';

/** How long an answer is given again, in milliseconds. */
const freshFor = 10_000;
const gateKinds = new Set(['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']);

/**
 * Whether the objects of the gate are where they were. Nothing in a cluster can stop its administrator from removing a policy;
 * but the recorder sees it, and whoever promotes is told.
 */
export class GateWatch {
  private readonly recorder: Recorder;
  private readonly now: () => Date;
  private readonly latest = new Map<string, DefinitionRecord>();
  private sequence = 0;
  private askedAt = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> | undefined;

  constructor(recorder: Recorder, now: () => Date) {
    this.recorder = recorder;
    this.now = now;
  }

  /** @throws if the recorder is away */
  async answer(): Promise<GateAnswer> {
    const now = this.now().getTime();
    if (Math.abs(now - this.askedAt) >= freshFor) {
      this.asking ??= this.read().finally(() => {
        this.asking = undefined;
      });
      await this.asking;
      this.askedAt = now;
    }
    const objects = [...this.latest.values()];
    const newest = objects.reduce<DefinitionRecord | undefined>((a, b) => (a && a.seq > b.seq ? a : b), undefined);
    return {
      objects: objects.filter((one) => one.change !== 'removed').length,
      removed: objects.filter((one) => one.change === 'removed').map(({ kind, name, at }) => ({ kind, name, at })),
      lastChange: newest && { kind: newest.kind, name: newest.name, change: newest.change, at: newest.at },
    };
  }

  private async read(): Promise<void> {
    for (const record of await this.recorder.definitions(this.sequence)) {
      this.sequence = Math.max(this.sequence, record.seq);
      if (gateKinds.has(record.kind)) this.latest.set(`${record.kind}/${record.name}`, record);
    }
  }
}

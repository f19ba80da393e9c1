import { setTimeout as delay } from 'node:timers/promises';
import type { Anchor, ChainHead } from '../../model/audit/record.ts';
import type { VerificationReport } from '../../model/audit/verify.ts';
import type { AnchorBranch } from './anchors.ts';
import type { AuditLog } from './audit-log.ts';
import type { WriterLease } from './lease.ts';
import type { Metric } from './metrics.ts';
import type { Recorder, RecorderLog } from './recorder.ts';
import type { SnapshotSchedule } from './snapshots.ts';

export interface RecorderServiceOptions {
  readonly log: AuditLog;
  readonly recorder: Recorder;
  readonly lease: WriterLease;
  readonly messages: RecorderLog;
  /** @default - heads are not anchored */
  readonly anchors?: { readonly branch: AnchorBranch; readonly everyMinutes: number };
  /** @default - no snapshots are driven */
  readonly snapshots?: SnapshotSchedule;
  /** When the latest snapshot was made, whoever made it. @default - only snapshots driven from here are known */
  readonly latestSnapshot?: () => Promise<Date | undefined>;
  readonly verifyEveryMinutes: number;
  /** Milliseconds between looks at what is due. @default 5000 */
  readonly tick?: number;
}

/** The last check of the chain. */
export interface Verification {
  readonly report: VerificationReport;
  readonly checkedAt: Date;
  readonly milliseconds: number;
  /** Why the anchors could not be read; the check then went without them. */
  readonly anchorsError?: string;
}

/** Seconds that an append may take before the volume counts as stuck. */
const stuckSeconds = 60;

/** What runs beside the recording: anchors, snapshots, checks; and the answers about it all. */
export class RecorderService {
  private readonly options: RecorderServiceOptions;
  private anchored: Anchor | undefined;
  private anchorFailures = 0;
  private anchorError: string | undefined;
  private nextAnchor = 0;
  private nextVerification = 0;
  private verification: Verification | undefined;
  private snapshotAt: Date | undefined;
  private verifying: Promise<Verification> | undefined;

  constructor(options: RecorderServiceOptions) {
    this.options = options;
    options.log.onAppend((record) => {
      options.snapshots?.noteChange();
      // An emergency is anchored at once.
      if (record.type === 'break-glass') this.nextAnchor = 0;
    });
  }

  /** Anchors, snapshots and checks when they are due, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.snapshotAt = await this.options.latestSnapshot?.();
      if (this.options.log.loaded) {
        if (performance.now() >= this.nextVerification) await this.verify().catch(() => undefined);
        if (this.options.lease.held) {
          await this.anchorIfDue();
          await this.options.snapshots?.tick(signal).catch((error: Error) => {
            this.options.messages.warn('the snapshot of Kargo failed', { error: error.message });
          });
        }
      }
      await delay(this.options.tick ?? 5000, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Anchors the present head, for a clean end. */
  async anchorNow(): Promise<void> {
    const { anchors, log, messages } = this.options;
    const { head } = log;
    if (!anchors || head.seq === 0 || head.hash === this.anchored?.hash) return;
    try {
      this.anchored = await anchors.branch.add(head, new Date());
      this.anchorError = undefined;
      messages.info('head anchored', { seq: head.seq });
    } catch (error) {
      this.anchorFailures += 1;
      const words = (error as Error).message;
      if (words !== this.anchorError) messages.warn('the head could not be anchored', { error: words });
      this.anchorError = words;
    }
  }

  /** Checks the chain against the anchors; calls at the same time share one check. */
  verify(): Promise<Verification> {
    this.verifying ??= this.check().finally(() => {
      this.verifying = undefined;
    });
    return this.verifying;
  }

  get head(): ChainHead {
    return this.options.log.head;
  }

  /** What keeps the recorder from doing its work, in words; empty when all is well. */
  problems(): string[] {
    const { recorder, lease, log, snapshots } = this.options;
    const { writeError, writingSince, following } = recorder.state;
    const problems: string[] = [];
    if (!log.loaded) problems.push('the audit log is not read yet');
    if (writeError !== undefined) problems.push(writeError);
    if (writingSince !== undefined && performance.now() - writingSince > stuckSeconds * 1000)
      problems.push('the volume does not answer: a write has not ended');
    if (!lease.held) problems.push(lease.reason);
    for (const [kind, known] of Object.entries(following))
      if (!known) problems.push(`${kind} objects are not followed`);
    if (this.verification && !this.verification.report.valid)
      problems.push(`the audit chain is broken (${this.verification.report.problemCount} problems)`);
    if (this.anchorError !== undefined) problems.push(this.anchorError);
    if (snapshots?.lastError !== undefined) problems.push(snapshots.lastError);
    return problems;
  }

  /** Whether the log can be read: the history is served also while nothing can be written. */
  get ready(): boolean {
    return this.options.log.loaded;
  }

  metrics(): Metric[] {
    const { log, recorder, lease, snapshots } = this.options;
    const { state } = recorder;
    const gauge = (name: string, help: string, value: number | undefined): Metric => ({
      name: `pipelines_recorder_${name}`,
      help,
      type: 'gauge',
      samples: value === undefined ? [] : [{ value }],
    });
    const counter = (name: string, help: string, samples: Metric['samples']): Metric => ({
      name: `pipelines_recorder_${name}_total`,
      help,
      type: 'counter',
      samples,
    });
    const seconds = (time: string | Date | undefined) =>
      time === undefined ? undefined : new Date(time).getTime() / 1000;
    return [
      counter(
        'records',
        'Records in the audit log, by type.',
        [...log.counts].map(([type, value]) => ({ labels: { type }, value })),
      ),
      counter('break_glass', 'Uses of break-glass in the audit log, by stage.', [
        { labels: { stage: '' }, value: 0 },
        ...[...log.breakGlass].map(([stage, value]) => ({ labels: { stage }, value })),
      ]),
      gauge('pending_facts', 'Facts that wait to be written.', state.pending),
      counter('write_failures', 'Failed attempts to read or write the log.', [{ value: state.writeFailures }]),
      gauge('writable', '1 while the log can be written.', state.writeError === undefined ? 1 : 0),
      gauge(
        'write_seconds',
        'How long the present write has taken.',
        state.writingSince === undefined ? 0 : (performance.now() - state.writingSince) / 1000,
      ),
      gauge('lease_held', '1 while this process may write.', lease.held ? 1 : 0),
      {
        name: 'pipelines_recorder_following',
        help: '1 while changes of this kind are followed.',
        type: 'gauge',
        samples: Object.entries(state.following).map(([kind, known]) => ({ labels: { kind }, value: known ? 1 : 0 })),
      },
      gauge('gate_objects', 'Policies and bindings of the gate in the cluster.', state.gateObjects),
      gauge('chain_head', 'Number of the last record.', log.head.seq),
      gauge(
        'chain_valid',
        '1 if the last check found the chain whole.',
        this.verification === undefined ? undefined : this.verification.report.valid ? 1 : 0,
      ),
      gauge('verified_timestamp_seconds', 'When the chain was checked last.', seconds(this.verification?.checkedAt)),
      gauge('anchored_timestamp_seconds', 'When the head was last anchored outside.', seconds(this.anchored?.at)),
      gauge('anchored_head', 'Number of the last anchored record.', this.anchored?.seq),
      counter('anchor_failures', 'Failed attempts to anchor the head.', [{ value: this.anchorFailures }]),
      gauge(
        'snapshot_timestamp_seconds',
        "When the last good snapshot of Kargo's state was taken.",
        seconds(this.snapshotAt ?? snapshots?.lastSuccess),
      ),
      counter('snapshot_failures', 'Failed snapshots.', snapshots ? [{ value: snapshots.failures }] : []),
    ];
  }

  private async anchorIfDue(): Promise<void> {
    const { anchors } = this.options;
    if (!anchors || performance.now() < this.nextAnchor) return;
    await this.anchorNow();
    // After a failure sooner than after a success.
    const minutes = this.anchorError === undefined ? anchors.everyMinutes : Math.min(anchors.everyMinutes, 1);
    this.nextAnchor = performance.now() + minutes * 60_000;
  }

  private async check(): Promise<Verification> {
    const { anchors, log, messages, verifyEveryMinutes } = this.options;
    const started = performance.now();
    let known: Anchor[] = [];
    let anchorsError: string | undefined;
    try {
      known = (await anchors?.branch.read()) ?? [];
    } catch (error) {
      anchorsError = (error as Error).message;
    }
    const report = await log.verify(known);
    this.nextVerification = performance.now() + verifyEveryMinutes * 60_000;
    this.anchored ??= report.anchors.newest;
    const before = this.verification?.report.valid ?? true;
    this.verification = { report, checkedAt: new Date(), milliseconds: performance.now() - started, anchorsError };
    if (!report.valid && before)
      messages.warn('the audit chain is broken', { problems: report.problemCount, first: report.problems[0]?.problem });
    return this.verification;
  }
}

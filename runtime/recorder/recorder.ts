import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditFact, DefinitionChanged } from '../../model/audit/record.ts';
import type { FollowEvent, KubernetesClient } from '../kubernetes/client.ts';
import { isTransient } from '../kubernetes/errors.ts';
import {
  ADMISSION_POLICIES,
  ADMISSION_POLICY_BINDINGS,
  EVENTS,
  FREIGHTS,
  type KubernetesObject,
  PROMOTIONS,
  type Resource,
  STAGES,
} from '../kubernetes/resources.ts';
import type { AuditLog } from './audit-log.ts';
import {
  approvalFact,
  approvals,
  definitionDigest,
  type GateAnnotations,
  promotionFacts,
  promotionRemoved,
  verificationFacts,
} from './kargo-facts.ts';
import {
  type EventObject,
  type FreightObject,
  kargoAnnotation,
  type PromotionObject,
  type StageObject,
} from './kargo-objects.ts';

export interface RecorderLog {
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

export interface RecorderOptions {
  readonly client: Pick<KubernetesClient, 'follow' | 'find' | 'list'>;
  readonly log: AuditLog;
  /** Throws unless this process may write now. */
  readonly mayWrite: () => void;
  readonly project: string;
  readonly annotations: GateAnnotations;
  /** Prefix of the annotations whose change on a Stage is recorded. */
  readonly annotationPrefix: string;
  /** Selects the policies and bindings of the gate. @default - they are not watched */
  readonly gateSelector?: string;
  readonly messages: RecorderLog;
  /** Milliseconds before a failed write is tried again; doubles up to 30 s. @default 1000 */
  readonly retry?: number;
}

/** State of the watches and of the writer, for health and metrics. */
export interface RecorderState {
  readonly pending: number;
  readonly writeFailures: number;
  /** Words of the last failed write; undefined while writing works. */
  readonly writeError: string | undefined;
  /** When a write that has not ended began (monotonic milliseconds). */
  readonly writingSince: number | undefined;
  readonly failingSince: Date | undefined;
  /** Kinds whose objects are known, and since when they are not. */
  readonly following: Readonly<Record<string, boolean>>;
  readonly gateObjects: number;
}

const batchSize = 500;
/** Reports are refused beyond this; Kargo's own facts never are. */
const mostPending = 10_000;

/**
 * Derives facts from Kargo's objects and brings them into the log, each once. What is on the disk is the only memory: an
 * object that is seen again gives the same keys, and keys that are in the log are passed over.
 */
export class Recorder {
  private readonly options: RecorderOptions;
  private readonly pending = new Map<string, AuditFact>();
  private readonly stages = new Map<string, StageObject>();
  private readonly freight = new Map<string, FreightObject>();
  private readonly definitions = new Map<string, string>();
  private readonly following: Record<string, boolean> = {};
  private gateObjects = new Map<string, true>();
  private wake: () => void = () => undefined;
  private writeFailures = 0;
  private writeError: string | undefined;
  private failingSince: Date | undefined;
  private writingSince: number | undefined;
  private readonly waiting = new Map<string, { resolve(record: number): void; reject(error: Error): void }[]>();

  constructor(options: RecorderOptions) {
    this.options = options;
  }

  get state(): RecorderState {
    return {
      pending: this.pending.size,
      writeFailures: this.writeFailures,
      writeError: this.writeError,
      writingSince: this.writingSince,
      failingSince: this.failingSince,
      following: { ...this.following },
      gateObjects: this.gateObjects.size,
    };
  }

  /** Follows Kargo and writes, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, project, gateSelector } = this.options;
    // Every watch listens for the end.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', () => this.wake(), { once: true });
    await this.loadLog(signal);
    const stages = this.firstList();
    const freight = this.firstList();
    const follow = <T extends KubernetesObject>(
      resource: Resource,
      selection: { namespace?: string; labelSelector?: string },
      handle: (event: FollowEvent<T>) => Promise<void>,
    ) => this.follow(resource.kind, () => client.follow<T>(resource, { ...selection, signal }), handle, signal);
    const inProject = { namespace: project };
    await Promise.all([
      this.writer(signal),
      follow<StageObject>(STAGES, inProject, async (event) => {
        this.onDefinition('Stage', event, this.stages);
        if (event.type === 'LISTED') stages.done();
      }),
      follow<FreightObject>(FREIGHTS, inProject, async (event) => {
        this.onFreight(event, signal);
        if (event.type === 'LISTED') freight.done();
      }),
      // A promotion is described by its stage and its Freight: those come first.
      unlessAborted(Promise.all([stages.listed, freight.listed]), signal).then(() =>
        follow<PromotionObject>(PROMOTIONS, inProject, (event) => this.onPromotion(event, signal)),
      ),
      ...(gateSelector === undefined
        ? []
        : [ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS].map((resource) =>
            follow<KubernetesObject>(resource, { labelSelector: gateSelector }, async (event) =>
              this.onGate(resource.kind, event),
            ),
          )),
    ]);
    // What was reported is in nobody else's memory.
    if (this.pending.size > 0) await this.writeBatch().catch(() => undefined);
  }

  /**
   * Records a fact that somebody reports. The promise is kept once it is on the disk.
   *
   * @returns the number of its record
   * @throws Error when it can't be written within the time
   */
  report(fact: AuditFact, timeout: number): Promise<number> {
    const known = this.options.log.seqOf(fact.key);
    if (known !== undefined) return Promise.resolve(known);
    if (this.pending.size >= mostPending) {
      return Promise.reject(new Error(this.writeError ?? 'too much is waiting to be written'));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(this.writeError ?? 'the audit log was not written in time'));
      }, timeout);
      const entry = {
        resolve(seq: number) {
          clearTimeout(timer);
          resolve(seq);
        },
        reject(error: Error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.waiting.set(fact.key, [...(this.waiting.get(fact.key) ?? []), entry]);
      this.offer([fact]);
    });
  }

  /** Takes facts for the log; those that are there already are passed over. */
  private offer(facts: readonly AuditFact[]): void {
    for (const fact of facts) {
      if (this.options.log.seqOf(fact.key) === undefined)
        this.pending.set(fact.key, this.pending.get(fact.key) ?? fact);
    }
    if (this.pending.size > 0) this.wake();
  }

  private async loadLog(signal: AbortSignal): Promise<void> {
    const { log, messages } = this.options;
    await this.untilItWorks('the audit log cannot be read', signal, () => log.load());
    for (const kind of ['Stage', ADMISSION_POLICIES.kind, ADMISSION_POLICY_BINDINGS.kind]) {
      for (const name of log.definitionNames(kind))
        this.definitions.set(`${kind}/${name}`, log.definition(kind, name)!.digest);
    }
    messages.info('audit log read', { head: log.head.seq });
  }

  private async writer(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.pending.size === 0) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = () => undefined;
        continue;
      }
      await this.untilItWorks('the audit log cannot be written', signal, () => this.writeBatch());
    }
  }

  private async writeBatch(): Promise<void> {
    const { log, mayWrite } = this.options;
    const batch = [...this.pending.values()].slice(0, batchSize);
    this.writingSince = performance.now();
    try {
      await log.append(batch, mayWrite);
    } finally {
      this.writingSince = undefined;
    }
    for (const { key } of batch) {
      this.pending.delete(key);
      const seq = log.seqOf(key);
      for (const entry of this.waiting.get(key) ?? []) {
        if (seq === undefined) entry.reject(new Error('the fact is not in the log'));
        else entry.resolve(seq);
      }
      this.waiting.delete(key);
    }
  }

  private async untilItWorks(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await work();
        if (this.writeError !== undefined)
          this.options.messages.info('the audit log works again', { pending: this.pending.size });
        this.writeError = undefined;
        this.failingSince = undefined;
        return;
      } catch (error) {
        const words = (error as Error).message;
        this.writeFailures += 1;
        this.failingSince ??= new Date();
        if (words !== this.writeError) this.options.messages.warn(what, { error: words, pending: this.pending.size });
        this.writeError = words;
        await delay(Math.min(30_000, (this.options.retry ?? 1000) * 2 ** Math.min(failures, 5)), undefined, {
          signal,
        }).catch(() => undefined);
      }
    }
  }

  /** Follows one kind for ever: a refusal (a missing kind, a missing right) is reported and tried again. */
  private async follow<T extends KubernetesObject>(
    kind: string,
    open: () => AsyncGenerator<FollowEvent<T>, void, undefined>,
    handle: (event: FollowEvent<T>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.following[kind] = false;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const events = open();
        // The end does not wait for a connection that is being opened.
        for (;;) {
          const next = await unlessAborted(events.next(), signal);
          if (next === undefined || next.done) break;
          await handle(next.value);
          this.following[kind] = true;
          failures = 0;
        }
      } catch (error) {
        this.options.messages.warn('Kargo cannot be followed', { kind, error: (error as Error).message });
      }
      this.following[kind] = false;
      await delay(Math.min(30_000, 500 * 2 ** Math.min(failures, 6)), undefined, { signal }).catch(() => undefined);
    }
  }

  private async onPromotion(event: FollowEvent<PromotionObject>, signal: AbortSignal): Promise<void> {
    switch (event.type) {
      case 'LISTED': {
        const facts: AuditFact[] = [];
        for (const promotion of event.items) facts.push(...(await this.describe(promotion, signal)));
        this.offer(inOrder(facts));
        if (this.stages.size > 0) this.offerRemoved(new Set(event.items.map((item) => item.metadata.name ?? '')));
        break;
      }
      case 'ADDED':
      case 'MODIFIED':
        this.offer(await this.describe(event.object, signal));
        break;
      case 'DELETED': {
        // The last state may hold an end that was not seen before.
        const facts = await this.describe(event.object, signal);
        this.offer(facts);
        const last = facts.at(-1);
        if (last && last.type !== 'promotion-finished' && last.type !== 'promotion-aborted' && 'promotion' in last) {
          const { project, promotion, stage, freight, tag, actor } = last;
          this.offer([promotionRemoved({ project, promotion, stage, freight, tag, actor }, new Date().toISOString())]);
        }
        break;
      }
    }
  }

  /** Promotions that the log knows as open and Kargo has no more. */
  private offerRemoved(present: ReadonlySet<string>): void {
    const { history } = this.options.log;
    for (const result of ['Pending', 'Running'] as const) {
      for (const entry of history.query({ result, limit: Number.POSITIVE_INFINITY }).entries) {
        if (present.has(entry.id) || entry.project !== this.options.project) continue;
        this.offer([promotionRemoved({ ...pick(entry), promotion: entry.id }, new Date().toISOString())]);
      }
    }
  }

  private async describe(promotion: PromotionObject, signal: AbortSignal): Promise<AuditFact[]> {
    const { annotations, log, project } = this.options;
    const name = promotion.spec?.freight;
    const created = log.history.get(promotion.metadata.name ?? '');
    // The watches are independent: a promotion may be seen before its new Freight.
    const freight =
      name === undefined
        ? undefined
        : (this.freight.get(name) ?? (created ? undefined : await this.findFreight(name, signal)));
    const stage = this.stages.get(promotion.spec?.stage ?? '');
    const facts = promotionFacts(promotion, { annotations, stage, freight });
    // Freight that Kargo has dropped since: the log still knows its tag.
    if (!freight && created && created.project === project) {
      return facts.map((fact) => ('tag' in fact && fact.tag === '' ? { ...fact, tag: created.tag } : fact));
    }
    return facts;
  }

  private async findFreight(name: string, signal: AbortSignal): Promise<FreightObject | undefined> {
    const { client, project } = this.options;
    while (!signal.aborted) {
      try {
        return await client.find<FreightObject>(FREIGHTS, name, project);
      } catch (error) {
        if (!isTransient(error)) return undefined;
        await delay(1000, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  private onFreight(event: FollowEvent<FreightObject>, signal: AbortSignal): void {
    if (event.type === 'BOOKMARK') return;
    if (event.type === 'DELETED') {
      this.freight.delete(event.object.metadata.name ?? '');
      return;
    }
    if (event.type === 'LISTED') this.freight.clear();
    const items = event.type === 'LISTED' ? event.items : [event.object];
    for (const item of items) this.freight.set(item.metadata.name ?? '', item);
    this.offer(inOrder(items.flatMap(verificationFacts)));
    for (const item of items) {
      for (const approval of approvals(item)) {
        if (this.options.log.seqOf(approval.key) !== undefined || this.pending.has(approval.key)) continue;
        // The event with the approver's name is written after the approval itself.
        void this.findApprover(item, approval, signal).then((actor) =>
          this.offer([approvalFact(item, approval, actor)]),
        );
      }
    }
  }

  private async findApprover(
    freight: FreightObject,
    approval: { readonly stage: string; readonly at: string },
    signal: AbortSignal,
  ): Promise<string> {
    const fresh = Date.now() - Date.parse(approval.at) < 60 * 60_000;
    const name = freight.metadata.name ?? '';
    for (let attempt = 0; fresh && attempt < 4 && !signal.aborted; attempt += 1) {
      const { items } = await this.options.client
        .list<EventObject>(EVENTS, {
          namespace: this.options.project,
          fieldSelector: `involvedObject.name=${name},reason=FreightApproved`,
        })
        .catch(() => ({ items: [] as EventObject[] }));
      const mine = items.filter((item) => item.metadata.annotations?.[kargoAnnotation.eventStage] === approval.stage);
      const actor = mine.at(-1)?.metadata.annotations?.[kargoAnnotation.eventActor];
      if (actor) return actor;
      await delay(500 * 2 ** attempt, undefined, { signal }).catch(() => undefined);
    }
    return 'unknown';
  }

  private onGate(kind: string, event: FollowEvent<KubernetesObject>): void {
    const mark = (name: string) => `${kind}/${name}`;
    if (event.type === 'LISTED') {
      for (const name of [...this.gateObjects.keys()]) if (name.startsWith(`${kind}/`)) this.gateObjects.delete(name);
      for (const item of event.items) this.gateObjects.set(mark(item.metadata.name ?? ''), true);
    } else if (event.type === 'DELETED') this.gateObjects.delete(mark(event.object.metadata.name ?? ''));
    else if (event.type !== 'BOOKMARK') this.gateObjects.set(mark(event.object.metadata.name ?? ''), true);
    this.onDefinition(kind, event, new Map());
  }

  private onDefinition<T extends KubernetesObject>(kind: string, event: FollowEvent<T>, cache: Map<string, T>): void {
    if (event.type === 'BOOKMARK') return;
    if (event.type === 'DELETED') {
      cache.delete(event.object.metadata.name ?? '');
      this.noteDefinition(kind, event.object.metadata.name ?? '', undefined);
      return;
    }
    const items = event.type === 'LISTED' ? event.items : [event.object];
    if (event.type === 'LISTED') {
      cache.clear();
      const present = new Set(items.map((item) => item.metadata.name));
      const known = [...this.definitions].filter(([name, digest]) => name.startsWith(`${kind}/`) && digest !== '');
      for (const [mark] of known) {
        const name = mark.slice(kind.length + 1);
        if (!present.has(name)) this.noteDefinition(kind, name, undefined);
      }
    }
    for (const item of items) {
      cache.set(item.metadata.name ?? '', item);
      this.noteDefinition(kind, item.metadata.name ?? '', item);
    }
  }

  private noteDefinition(kind: string, name: string, object: KubernetesObject | undefined): void {
    const { annotationPrefix, log, project } = this.options;
    const digest = object ? definitionDigest(object, annotationPrefix) : '';
    const mark = `${kind}/${name}`;
    const before = this.definitions.get(mark) ?? '';
    if (before === digest) return;
    this.definitions.set(mark, digest);
    const description = object?.metadata.annotations?.[kargoAnnotation.description];
    const fact: DefinitionChanged = {
      type: 'definition-changed',
      // The same definition may come back later; the record before it makes the difference.
      key: `definition/${mark}/${log.definition(kind, name)?.seq ?? 0}/${before.slice(0, 12)}/${digest.slice(0, 12)}`,
      at: new Date().toISOString(),
      project: kind === 'Stage' ? project : '',
      kind,
      name,
      change: before === '' ? 'added' : digest === '' ? 'removed' : 'changed',
      digest,
      description,
    };
    this.offer([fact]);
  }

  private firstList(): { readonly listed: Promise<void>; done(): void } {
    let done: () => void = () => undefined;
    const listed = new Promise<void>((resolve) => {
      done = resolve;
    });
    return { listed, done: () => done() };
  }
}

/** By time; facts of one object keep their order although their clocks differ in precision. */
function inOrder(facts: readonly AuditFact[]): AuditFact[] {
  const latest = new Map<string, string>();
  const placed = facts.map((fact, index) => {
    const object = 'promotion' in fact ? fact.promotion : fact.key;
    const before = latest.get(object) ?? '';
    const time = before === '' || fact.at > before ? fact.at : before;
    latest.set(object, time);
    return { fact, index, time };
  });
  return placed
    .sort((a, b) => (a.time === b.time ? a.index - b.index : a.time < b.time ? -1 : 1))
    .map(({ fact }) => fact);
}

function pick(entry: { project: string; stage: string; freight: string; tag: string; actor: string }) {
  const { project, stage, freight, tag, actor } = entry;
  return { project, stage, freight, tag, actor };
}

/** Undefined as soon as the signal is aborted. Leaves nothing behind at the signal, which lives as long as the program. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = () => resolve(undefined);
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}

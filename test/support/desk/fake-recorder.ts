import { History, type HistoryEntry, type HistoryPage, type HistoryQuery } from '../../../model/audit/history.ts';
import type { AuditFact } from '../../../model/audit/record.ts';
import type { VerifyAnswer } from '../../../runtime/desk/api/types.ts';
import type { Attempt, DefinitionRecord, Recorder } from '../../../runtime/desk/server/recorder.ts';

/** The recorder's answers without its disk. */
export class FakeRecorder implements Recorder {
  readonly attempts: Attempt[] = [];
  down = false;
  verification: VerifyAnswer = {
    valid: true,
    records: 0,
    files: 1,
    head: { seq: 0, hash: '0'.repeat(64) },
    anchors: { checked: 0 },
    problems: [],
    problemCount: 0,
  };
  readonly changes: DefinitionRecord[] = [];
  private readonly log = new History();
  private seq = 0;

  add(...facts: readonly AuditFact[]): void {
    for (const fact of facts) {
      this.seq += 1;
      this.log.add({ ...fact, seq: this.seq });
    }
  }

  async history(query: HistoryQuery): Promise<HistoryPage> {
    this.mustBeUp();
    return this.log.query(query);
  }

  async entry(id: string): Promise<HistoryEntry | undefined> {
    this.mustBeUp();
    return this.log.get(id);
  }

  async verify(): Promise<VerifyAnswer> {
    this.mustBeUp();
    return this.verification;
  }

  async definitions(after: number): Promise<readonly DefinitionRecord[]> {
    this.mustBeUp();
    return this.changes.filter((one) => one.seq > after);
  }

  async report(attempt: Attempt): Promise<void> {
    this.mustBeUp();
    this.attempts.push(attempt);
  }

  private mustBeUp(): void {
    if (this.down) throw new Error('the recorder is down');
  }
}

/** What a run did, line by line. Values of secrets never come here. */
export class Report {
  readonly changes: string[] = [];
  readonly notes: string[] = [];
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Something was made or altered. */
  changed(what: string): void {
    this.changes.push(what);
    this.#log(`changed  ${what}`);
  }

  /** Something was as it should be. */
  kept(what: string): void {
    this.#log(`kept     ${what}`);
  }

  /** Something that a person has to do. */
  note(what: string): void {
    this.notes.push(what);
    this.#log(`to do    ${what}`);
  }

  end(): void {
    const count = this.changes.length;
    this.#log(count === 0 ? 'nothing had to be changed' : `${count} ${count === 1 ? 'change' : 'changes'}`);
  }
}

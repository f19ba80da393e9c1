import { canonicalJson } from '../../model/audit/canonical-json.ts';
import type { Anchor, ChainHead } from '../../model/audit/record.ts';
import type { ForgeBranch } from './forge-branch.ts';

/** Folder of the anchors in the branch; one file a month. */
export const anchorFolder = 'heads';

/** One line of an anchor file. */
export function anchorLine(anchor: Anchor): string {
  return `${canonicalJson({ seq: anchor.seq, hash: anchor.hash, at: anchor.at })}\n`;
}

/**
 * Reads the lines of an anchor file.
 * @throws Error that names the first line that is none: a damaged anchor must not pass for a missing one
 */
export function parseAnchors(text: string, file: string): Anchor[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const { seq, hash, at } = JSON.parse(line) as Partial<Anchor>;
      if (Number.isSafeInteger(seq) && typeof hash === 'string' && typeof at === 'string')
        return [{ seq: seq!, hash, at }];
    } catch {
      // Reported below.
    }
    throw new Error(`${file}:${index + 1}: not an anchor of the audit log`);
  });
}

/** Heads of the chain on a branch that only the recorder's own user writes, and that keeps its history. */
export class AnchorBranch {
  private readonly branch: Pick<ForgeBranch, 'list' | 'read' | 'write'>;

  constructor(branch: Pick<ForgeBranch, 'list' | 'read' | 'write'>) {
    this.branch = branch;
  }

  /** Every anchor, oldest file first. */
  async read(): Promise<Anchor[]> {
    const files = (await this.branch.list(anchorFolder)).filter((file) => file.endsWith('.jsonl')).toSorted();
    const anchors: Anchor[] = [];
    for (const file of files) anchors.push(...parseAnchors((await this.branch.read(file))?.text ?? '', file));
    return anchors;
  }

  /** Adds a head; again after a failure it adds nothing twice. */
  async add(head: ChainHead, now: Date): Promise<Anchor> {
    const anchor: Anchor = { ...head, at: now.toISOString() };
    const file = `${anchorFolder}/${anchor.at.slice(0, 7)}.jsonl`;
    const present = await this.branch.read(file);
    const known = parseAnchors(present?.text ?? '', file).find(
      (other) => other.seq === head.seq && other.hash === head.hash,
    );
    if (known) return known;
    await this.branch.write(
      file,
      (present?.text ?? '') + anchorLine(anchor),
      `Audit log: record ${head.seq}`,
      present?.sha,
    );
    return anchor;
  }
}

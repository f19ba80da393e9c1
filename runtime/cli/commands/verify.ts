import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Anchor } from '../../../model/audit/record.ts';
import {
  type ChainProblem,
  ChainVerifier,
  firstSeqOf,
  problemText,
  type VerificationReport,
} from '../../../model/audit/verify.ts';
import { parseAnchors } from '../../recorder/anchors.ts';
import { CliError, type ExitCode, exitCode } from '../io.ts';
import type { Session } from '../session.ts';
import { plain, timeText } from '../text.ts';

export interface VerifyOptions {
  /** Folder of the log; then this program checks it itself and asks nobody. */
  readonly files?: string;
  /** Anchor files, or folders with them, from a clone of branch `audit`. */
  readonly anchors?: readonly string[];
}

type Answer = Omit<VerificationReport, 'problems'> & {
  readonly problems: readonly (ChainProblem | string)[];
  readonly anchorsError?: string;
};

/** Checks the audit log: on the volume by itself, else through the desk. Exit code 1 when it is not whole. */
export async function verify(session: Session, options: VerifyOptions): Promise<ExitCode> {
  if (options.anchors && options.files === undefined) throw new CliError('--anchors goes with --files', exitCode.usage);
  const answer: Answer =
    options.files === undefined
      ? await session.desk<Answer>('/api/verify')
      : await checkFiles(options.files, options.anchors ?? []);
  const problems = answer.problems.map((problem) => (typeof problem === 'string' ? problem : problemText(problem)));
  session.print({ ...answer, problems }, () => verifyText(answer, problems));
  if (answer.anchors.checked === 0)
    session.remark('No anchor was compared: a log that was cut or rewritten as a whole would look whole.');
  if (answer.anchorsError) session.remark(`The anchors could not be read: ${answer.anchorsError}`);
  return answer.valid ? exitCode.done : exitCode.failed;
}

/** @throws CliError when there is nothing to check: an empty folder proves nothing */
async function checkFiles(folder: string, anchorPaths: readonly string[]): Promise<VerificationReport> {
  const anchors = anchorPaths.flatMap(readAnchors);
  const names = list(folder)
    .filter((name) => firstSeqOf(name) !== undefined)
    .sort();
  if (names.length === 0) throw new CliError(`${folder} holds no file of an audit log`);
  const verifier = new ChainVerifier({ anchors });
  for (const name of names) {
    verifier.startFile(name);
    for await (const chunk of createReadStream(path.join(folder, name), {
      highWaterMark: 1 << 20,
    }) as AsyncIterable<Buffer>)
      verifier.push(chunk);
  }
  return verifier.finish();
}

function readAnchors(file: string): Anchor[] {
  try {
    if (!statSync(file).isDirectory()) return parseAnchors(readFileSync(file, 'utf8'), file);
  } catch (error) {
    throw new CliError((error as Error).message);
  }
  const inside = list(file)
    .filter((name) => name.endsWith('.jsonl') || name === 'heads')
    .sort();
  if (inside.length === 0) throw new CliError(`${file} holds no anchors`);
  return inside.flatMap((name) => readAnchors(path.join(file, name)));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new CliError(`${folder} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
  }
}

function verifyText(answer: Answer, problems: readonly string[]): string {
  const { newest, checked } = answer.anchors;
  const anchored = newest
    ? `${checked} anchors compared, the newest at record ${newest.seq} (${timeText(newest.at, 'utc')})`
    : 'no anchor compared';
  const lines = [
    `${answer.valid ? 'The audit log is whole' : 'THE AUDIT LOG IS NOT WHOLE'}: ${answer.records} records in ${answer.files} files, ${anchored}`,
    `head: record ${answer.head.seq}, ${answer.head.hash}`,
    ...problems.map((problem) => `  ${plain(problem)}`),
    ...(answer.problemCount > problems.length ? [`  and ${answer.problemCount - problems.length} more problems`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

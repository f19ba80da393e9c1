import type { z } from 'zod';

/** One thing that is wrong with what a user wrote. */
export interface Problem {
  /** Where: a settings path such as `stages.paper.window.timeZone`. */
  readonly path: string;
  /** What is wrong, with the offending value. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Thrown with every problem that was found, never with only the first. */
export class SettingsError extends Error {
  readonly problems: readonly Problem[];

  constructor(subject: string, problems: readonly Problem[]) {
    const lines = problems.map((p) => `  ${p.path}: ${p.problem}\n    ${p.remedy}`);
    super(`${subject}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n${lines.join('\n')}`);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

const correctIt = 'correct the value in settings.ts';

/**
 * Words for one issue of the schema library. A message of ours has the form "what is wrong; what to do" (the form that
 * model/identifiers.ts uses) and is split into its halves; what the library itself finds is said in words of ours.
 */
function fromIssue(issue: z.core.$ZodIssue, settings: unknown): Problem[] {
  const at = (path: readonly PropertyKey[]) => path.map(String).join('.') || '(settings)';
  const value = issue.path.reduce((part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key], settings);
  const possible = issue.code === 'invalid_value' ? issue.values.map((one) => JSON.stringify(one)).join(', ') : '';
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: at([...issue.path, key]),
      problem: `there is no setting ${JSON.stringify(key)}`,
      remedy: 'correct its name, or remove it',
    }));
  if (value === undefined && ['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code))
    return [
      { path: at(issue.path), problem: 'is missing', remedy: possible ? `add it: one of ${possible}` : 'add it' },
    ];
  // A message of the library's own begins like this; all others are ours.
  if (!/^Invalid (input|option)/.test(issue.message)) {
    const [problem = issue.message, ...remedy] = issue.message.split('; ');
    return [{ path: at(issue.path), problem, remedy: remedy.join('; ') || correctIt }];
  }
  if (issue.code === 'invalid_value')
    return [
      { path: at(issue.path), problem: `${JSON.stringify(value)} is not possible`, remedy: `use one of ${possible}` },
    ];
  if (issue.code === 'invalid_type')
    return [
      {
        path: at(issue.path),
        problem: `${shown(value)} stands where ${kinds[issue.expected] ?? issue.expected} is expected`,
        remedy: issue.expected === 'string' && typeof value === 'number' ? 'put it in quotes' : correctIt,
      },
    ];
  return [{ path: at(issue.path), problem: issue.message, remedy: correctIt }];
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of settings in { }',
};

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a group of settings' : JSON.stringify(value);
}

/**
 * Checks settings: first each value by its schema, then, if every value is well formed, the values against each other.
 *
 * @param subject what the settings are of, for the first line of the error
 * @param checks rules between values; each gives the problems it finds
 * @throws SettingsError with all problems
 */
export function parseSettings<Schema extends z.ZodType>(
  subject: string,
  schema: Schema,
  value: unknown,
  ...checks: ReadonlyArray<(settings: z.output<Schema>) => readonly Problem[]>
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success)
    throw new SettingsError(
      subject,
      result.error.issues.flatMap((issue) => fromIssue(issue, value)),
    );
  const problems = checks.flatMap((check) => check(result.data));
  if (problems.length > 0) throw new SettingsError(subject, problems);
  return result.data;
}

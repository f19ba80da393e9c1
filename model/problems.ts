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

/**
 * Splits a schema message of the form "what is wrong; what to do" (the form that model/identifiers.ts uses) into its two
 * halves. A message of the schema library itself has no second half.
 */
function fromIssue(issue: { readonly path: readonly PropertyKey[]; readonly message: string }): Problem {
  const [problem = issue.message, ...remedy] = issue.message.split('; ');
  return {
    path: issue.path.map(String).join('.') || '(settings)',
    problem,
    remedy: remedy.join('; ') || 'correct the value in settings.ts',
  };
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
  if (!result.success) throw new SettingsError(subject, result.error.issues.map(fromIssue));
  const problems = checks.flatMap((check) => check(result.data));
  if (problems.length > 0) throw new SettingsError(subject, problems);
  return result.data;
}

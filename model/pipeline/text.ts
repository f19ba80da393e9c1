/**
 * What a pipeline knows while it runs. Every engine spells these in its own dialect.
 * - `commitSha`: the commit, 40 characters
 * - `branch`: the branch that was pushed, or the target of a pull request
 * - `sourceBranch`: the branch that a pull request comes from
 * - `pullRequestNumber`, `gitTag`: set for those events only
 * - `repository`: `owner/name`
 * - `runNumber`, `runUrl`: number and address of this run
 */
export type VariableName =
  | 'commitSha'
  | 'branch'
  | 'sourceBranch'
  | 'pullRequestNumber'
  | 'gitTag'
  | 'repository'
  | 'runNumber'
  | 'runUrl';

/** A value that is known only while the pipeline runs. */
export interface Variable {
  readonly variable: VariableName;
}

/** Refers to a value of the run. */
export function variable(name: VariableName): Variable {
  return { variable: name };
}

/** Fixed text with variables in it. Make one with the template tag `text`. */
export interface Text {
  readonly parts: readonly (string | Variable)[];
}

/** Template tag: text`--image-tag ${variable('commitSha')}`. */
export function text(strings: TemplateStringsArray, ...values: readonly (string | Variable)[]): Text {
  const parts: (string | Variable)[] = [];
  for (const [index, fixed] of strings.entries()) {
    const value = values[index];
    parts.push(fixed, ...(value === undefined ? [] : [value]));
  }
  return { parts: parts.filter((part) => part !== '') };
}

/** Fixed text, or text with variables. */
export type TextLike = string | Variable | Text;

/** The parts of any kind of text. */
export function partsOf(value: TextLike): readonly (string | Variable)[] {
  if (typeof value === 'string') {
    return [value];
  }
  return 'variable' in value ? [value] : value.parts;
}

/** Writes text in an engine's dialect: fixed parts by `fixed`, variables by `spell`. */
export function spellText(
  value: TextLike,
  spell: (name: VariableName) => string,
  fixed: (part: string) => string = (part) => part,
): string {
  return partsOf(value)
    .map((part) => (typeof part === 'string' ? fixed(part) : spell(part.variable)))
    .join('');
}

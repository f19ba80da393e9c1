/** What a note or a justification has to look like. The same rule stands in the policies as CEL. */
export interface TextRule {
  /** Fewest characters (code points) after trimming. */
  readonly minimum: number;
  /** Most characters. */
  readonly maximum: number;
  /** Fewest letters or digits: dots and dashes justify nothing. */
  readonly letters: number;
}

export const noteRule: TextRule = { minimum: 3, maximum: 500, letters: 3 };

/** The rule for a justification. R19.3 */
export function justificationRule(minimum: number): TextRule {
  return { minimum, maximum: 500, letters: Math.ceil((minimum * 2) / 3) };
}

/**
 * Characters that cannot be seen or that change how others are shown: control and format characters (line breaks, zero-width
 * characters, bidirectional overrides), private use, line separators, Hangul fillers, the blank Braille pattern.
 */
export const invisible = String.raw`[\p{C}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{3164}\x{FFA0}\x{2800}\x{2028}\x{2029}]`;

/** Letters and digits of any script. */
export function lettersPattern(letters: number): string {
  return String.raw`^(?s:[^\p{L}\p{Nd}]*[\p{L}\p{Nd}]){${letters}}`;
}

/** The pattern in the notation of JavaScript; the API server reads RE2. \p{C} of RE2 does not hold unassigned characters. */
const invisibleInJavaScript =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u115f\u1160\u3164\uffa0\u2800\u2028\u2029]|\u034f|\u17b4|\u17b5/u;

/** Whether a text satisfies a rule. */
export function satisfies(text: string, rule: TextRule): boolean {
  const letters = [...text.matchAll(/[\p{L}\p{Nd}]/gu)].length;
  return (
    [...text].length <= rule.maximum &&
    [...text.trim()].length >= rule.minimum &&
    letters >= rule.letters &&
    !invisibleInJavaScript.test(text)
  );
}

/**
 * A text as a person typed it, made fit to be checked: normal form, line breaks and tabs become spaces, ends trimmed.
 * Nothing else is dropped: what is invisible stays, and is refused.
 */
export function normaliseText(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\r\n\t ]+/gu, ' ')
    .trim();
}

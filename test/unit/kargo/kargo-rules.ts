/**
 * What Kargo 1.11 makes of a text with expressions and of a value that it writes into a YAML file, in the few rules that
 * matter for tags (its packages expressions and yaml). Checked against the real ones, see docs/proof/charts.md.
 */

/** Texts that Go's ParseFloat takes, as far as a tag can be one of them. */
const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?(inf|infinity|nan)$/i;

/** Texts that Go's ParseBool takes. */
const truth = new Set(['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False']);

/** The value of a text that consists of one expression with this outcome; `quoted` where the expression calls `quote`. */
export function evaluated(outcome: string, quoted: boolean): unknown {
  if (quoted) return outcome;
  if (number.test(outcome)) return Number(outcome);
  if (truth.has(outcome)) return /^[1tT]/.test(outcome);
  return parsed(outcome) ?? outcome;
}

/** The text that yaml-update puts behind a key. */
export function writtenIntoYaml(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const ambiguous = number.test(value) || truth.has(value) || parsed(value) !== undefined;
  return ambiguous ? JSON.stringify(value) : value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

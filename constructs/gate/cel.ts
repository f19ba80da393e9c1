/** A named piece of a policy, used by the expressions after it as `variables.<name>`. */
export interface CelVariable {
  readonly name: string;
  readonly expression: string;
}

/** A CEL string. */
export function text(value: string): string {
  const escaped = value.replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n');
  return `'${escaped}'`;
}

/** A CEL string without escapes, for patterns. */
export function raw(pattern: string): string {
  if (pattern.includes("'")) throw new RangeError(`${pattern} holds a quote; a raw CEL string cannot`);
  return `r'${pattern}'`;
}

/** A CEL list of strings. */
export function texts(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}

/** A CEL list of integers. */
export function integers(values: readonly number[]): string {
  return `[${values.join(', ')}]`;
}

/** A message template of model/gate/messages.ts as CEL: its places are filled by expressions. */
export function template(message: string, places: { readonly left?: string; readonly actor?: string }): string {
  return message
    .split(/(\{left\}|\{actor\})/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part === '{left}' && places.left !== undefined) return places.left;
      if (part === '{actor}' && places.actor !== undefined) return places.actor;
      return text(part);
    })
    .join(' + ');
}

/** The optional field of an object that may be absent, with its default. */
export function orEmptyMap(path: string): string {
  return `${path}.orValue({})`;
}

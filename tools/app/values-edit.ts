import {
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/** Changes in the text of a values file: everything that is not meant stays as it is, to the last space. */

/** The file is written in a way that cannot be changed safely; the message says where and what to do. */
export class UnclearValuesError extends Error {}

/**
 * Sets a value at a path of keys. A value that is there keeps its place and its comment; a new one comes after its last
 * sibling, or at the end of the file.
 * @throws UnclearValuesError if the path leads through a list, an alias or an inline map
 */
export function setValue(text: string, path: string, value: string): string {
  const keys = path.split('.');
  const document = parse(text);
  let parent: unknown = document.contents;
  let end: Pair | undefined;
  for (const [depth, key] of keys.entries()) {
    if (parent === null || (isScalar(parent) && parent.value === null)) {
      return insertAfter(text, end, keys.slice(depth), value, depth);
    }
    const map = blockMap(parent, keys.slice(0, depth).join('.') || 'the file');
    const pair = map.items.find((item) => keyOf(item) === key);
    if (pair === undefined) {
      return insertAfter(text, map.items.at(-1) as Pair, keys.slice(depth), value, undefined);
    }
    parent = pair.value;
    end = pair;
  }
  if (!isScalar(parent)) {
    throw new UnclearValuesError(`${path} is no plain value; set it to "${value}" by hand`);
  }
  if (parent.value === value) {
    return text;
  }
  return replaceScalar(text, parent, value, end as Pair);
}

/** Removes a top-level section with the comment right above it; text without it stays as it is. */
export function dropSection(text: string, key: string): string {
  const { contents } = parse(text);
  if (contents === null || !isMap(contents)) {
    return text;
  }
  const pair = contents.items.find((item) => keyOf(item as Pair) === key) as Pair | undefined;
  return pair === undefined ? text : dropPair(text, pair);
}

/**
 * Removes image pull secrets by name, wherever lists or values hold them. A list that gets empty becomes `[]`, so that
 * templates that print it still work.
 */
export function dropPullSecrets(text: string, names: readonly string[]): string {
  let current = text;
  for (;;) {
    const next = dropOnePullSecret(current, names);
    if (next === current) {
      return current;
    }
    current = next;
  }
}

function dropOnePullSecret(text: string, names: readonly string[]): string {
  const isOurs = (node: unknown): boolean =>
    (isScalar(node) && names.includes(String(node.value))) ||
    (isMap(node) &&
      node.items.length === 1 &&
      isOurs((node.items[0] as Pair).value) &&
      keyOf(node.items[0] as Pair) === 'name');
  const visit = (map: YAMLMap): string | undefined => {
    for (const pair of map.items as Pair[]) {
      if (isSeq(pair.value) && pair.value.items.some(isOurs)) {
        return dropItem(text, pair, pair.value, isOurs);
      }
      if (isScalar(pair.value) && isOurs(pair.value)) {
        return dropPair(text, pair);
      }
      const inner = isMap(pair.value) ? visit(pair.value) : undefined;
      if (inner !== undefined) {
        return inner;
      }
    }
    return undefined;
  };
  const { contents } = parse(text);
  return (isMap(contents) ? visit(contents) : undefined) ?? text;
}

function dropItem(text: string, pair: Pair, list: YAMLSeq, isOurs: (node: unknown) => boolean): string {
  if (list.items.every(isOurs)) {
    const keyEnd = rangeOf(pair.key)[1];
    const valueEnd = lastContent(list);
    const colon = text.indexOf(':', keyEnd);
    return `${text.slice(0, colon)}: []${text.slice(valueEnd)}`;
  }
  if (list.flow) {
    throw new UnclearValuesError(
      `the list ${keyOf(pair)} holds other secrets too and is written inline; write one item per line`,
    );
  }
  const item = list.items.find(isOurs);
  const start = lineStart(text, rangeOf(item)[0]);
  return text.slice(0, start) + text.slice(lineEnd(text, Math.max(start, rangeOf(item)[1] - 1)));
}

function dropPair(text: string, pair: Pair): string {
  const start = lineStart(text, rangeOf(pair.key)[0]);
  const column = rangeOf(pair.key)[0] - start;
  if (text.slice(start, start + column).trim() !== '') {
    throw new UnclearValuesError(`${keyOf(pair)} stands inline with others; write one value per line`);
  }
  const lines = text.slice(start).split(/(?<=\n)/);
  let count = 1;
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index] as string;
    const content = line.trim();
    const indent = line.length - line.trimStart().length;
    const isListOfPair = indent === column && content.startsWith('-');
    if (content !== '' && !content.startsWith('#') && indent <= column && !isListOfPair) {
      break;
    }
    // Comments and empty lines belong to what follows, unless more of the section follows.
    if (content !== '' && !(content.startsWith('#') && indent <= column)) {
      count = index + 1;
    }
  }
  const before = text.slice(0, start).split(/(?<=\n)/);
  while (isCommentAt(before.at(-1), column)) {
    before.pop();
  }
  const after = lines.slice(count);
  // One empty line between the neighbours is enough.
  if ((before.length === 0 || before.at(-1)?.trim() === '') && after[0]?.trim() === '') {
    after.shift();
  }
  return before.join('') + after.join('');
}

function isCommentAt(line: string | undefined, column: number): boolean {
  return line?.trimStart().startsWith('#') === true && line.length - line.trimStart().length === column;
}

function replaceScalar(text: string, node: Scalar, value: string, pair: Pair): string {
  const [start, end] = rangeOf(node);
  if (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED' || node.anchor !== undefined) {
    throw new UnclearValuesError(`${keyOf(pair)} is written as a block or has an anchor; set it to "${value}" by hand`);
  }
  const written = node.type === 'QUOTE_SINGLE' ? `'${value.replaceAll("'", "''")}'` : scalarText(value, node.type);
  if (start === end) {
    const colon = text.indexOf(':', rangeOf(pair.key)[1]) + 1;
    return `${text.slice(0, colon)} ${written}${text.slice(colon)}`;
  }
  return text.slice(0, start) + written + text.slice(end);
}

function scalarText(value: string, type: string | undefined): string {
  return type === 'QUOTE_DOUBLE' ? JSON.stringify(value) : stringify(value, { lineWidth: 0 }).trimEnd();
}

/** Writes `keys` with the value below `pair` (with `below`: it has no children yet) or beside it. */
function insertAfter(
  text: string,
  pair: Pair | undefined,
  keys: readonly string[],
  value: string,
  below: number | undefined,
): string {
  if (pair === undefined) {
    return ending(text) + tree(keys, value, '');
  }
  const keyStart = rangeOf(pair.key)[0];
  const own = ' '.repeat(keyStart - lineStart(text, keyStart));
  if (below !== undefined) {
    const end = lineEnd(text, keyStart);
    return ending(text.slice(0, end)) + tree(keys, value, `${own}  `) + text.slice(end);
  }
  const last = isMap(pair.value) || isSeq(pair.value) || isScalar(pair.value) ? lastContent(pair.value) : undefined;
  const end = lineEnd(text, Math.max(keyStart, (last ?? keyStart + 1) - 1));
  const gap = own === '' && keys.length > 1 ? '\n' : '';
  return ending(text.slice(0, end)) + gap + tree(keys, value, own) + text.slice(end);
}

function tree(keys: readonly string[], value: string, indent: string): string {
  return keys
    .map(
      (key, depth) =>
        `${indent}${'  '.repeat(depth)}${key}:${depth === keys.length - 1 ? ` ${scalarText(value, undefined)}` : ''}\n`,
    )
    .join('');
}

function ending(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function lastContent(node: unknown): number {
  if (isMap(node) && !node.flow && node.items.length > 0) {
    const last = node.items.at(-1) as Pair;
    return Math.max(rangeOf(last.key)[1], last.value === null ? 0 : lastContent(last.value));
  }
  if (isSeq(node) && !node.flow && node.items.length > 0) {
    return lastContent(node.items.at(-1));
  }
  return rangeOf(node)[1];
}

function blockMap(node: unknown, where: string): YAMLMap<unknown, unknown> & { items: Pair[] } {
  if (!isMap(node) || node.flow) {
    throw new UnclearValuesError(`${where} is no map with one key per line; write it like that first`);
  }
  return node as YAMLMap<unknown, unknown> & { items: Pair[] };
}

function parse(text: string) {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new UnclearValuesError(`it is no valid YAML: ${document.errors[0]?.message.split('\n')[0]}`);
  }
  return document;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function rangeOf(node: unknown): readonly [number, number, number] {
  const range = (node as { range?: [number, number, number] | null }).range;
  if (range === undefined || range === null) {
    throw new UnclearValuesError('a value has no place in the file');
  }
  return range;
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Offset after the line that holds `offset`. */
function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

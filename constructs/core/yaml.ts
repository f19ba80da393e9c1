import { dump } from 'js-yaml';

const options = { noRefs: true, lineWidth: -1, quoteStyle: 'double' } as const;

/**
 * One YAML document, in the dialect that YAML 1.1 and 1.2 readers understand alike.
 *
 * Long texts (programs, scripts) are written as literal blocks by this module: the printer looks at every character several
 * times, which for half a megabyte of program takes longer than everything else.
 */
export function yamlDocument(value: unknown): string {
  const blocks: string[] = [];
  const text = dump(withPlaceholders(value, blocks), options);
  return blocks.length === 0 ? text : withBlocks(text, blocks);
}

/** Several documents in one file. */
export function yamlDocuments(values: readonly unknown[]): string {
  return values.map(yamlDocument).join('---\n');
}

/** Texts from this length on are written as blocks. */
const longText = 2_000;

/** What a literal block cannot carry as it is: control characters, other line ends, a byte order mark, halves of pairs. */
const notLiteral = /[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;

function isBlock(value: unknown): value is string {
  return typeof value === 'string' && value.length >= longText && !notLiteral.test(value) && !/^[ \t\n]/.test(value);
}

/** A word that no text of ours contains; the number says which block it stands for. */
const placeholder = (index: number) => `literal-block-of-text-number-${index}`;

function withPlaceholders(value: unknown, blocks: string[]): unknown {
  if (isBlock(value)) return placeholder(blocks.push(value) - 1);
  if (Array.isArray(value)) return value.map((item) => withPlaceholders(item, blocks));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withPlaceholders(child, blocks)]));
}

function withBlocks(text: string, blocks: readonly string[]): string {
  return text.replaceAll(
    /^( *)((?:- )*)(.*?)literal-block-of-text-number-(\d+)$/gm,
    (_, indent: string, dashes: string, key: string, index: string) => {
      const margin = `${indent}${' '.repeat(dashes.length)}  `;
      return `${indent}${dashes}${key}${literalBlock(blocks[Number(index)] ?? '', margin)}`;
    },
  );
}

/** A literal block: the header keeps exactly the line ends that the text ends with. */
function literalBlock(text: string, margin: string): string {
  const body = text.replace(/\n+$/, '');
  const ends = text.length - body.length;
  const header = ends === 0 ? '|-' : ends === 1 ? '|' : '|+';
  const lines = body.replaceAll('\n', `\n${margin}`).replaceAll(new RegExp(`^${margin}$`, 'gm'), '');
  return `${header}\n${margin}${lines}${'\n'.repeat(Math.max(0, ends - 1))}`;
}

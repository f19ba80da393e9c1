/** A template is written in a way that cannot be changed safely. */
export class UnclearTemplateError extends Error {}

const action = /\{\{-?\s*(.*?)\s*-?\}\}/g;

/**
 * Removes from a Helm template every block that a dropped section switches (`{{ if .Values.ghcrAuth... }}` to its `end`),
 * and the pull secrets by name. Returns undefined if nothing is left but comments and empty lines.
 * @throws UnclearTemplateError if such a block has an `else`, or shares a line with something else
 */
export function editTemplate(
  text: string,
  sections: readonly string[],
  pullSecrets: readonly string[],
): string | undefined {
  const kept = dropPullSecretLines(dropBlocks(text, sections), pullSecrets);
  if (kept === text) {
    return text;
  }
  return hasContent(kept) ? kept : undefined;
}

function dropBlocks(text: string, sections: readonly string[]): string {
  const kept: string[] = [];
  const open: { readonly dropped: boolean }[] = [];
  const isDropped = () => open.some((block) => block.dropped);
  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    const actions = [...line.matchAll(action)].map((match) => match[1] ?? '');
    const wasDropped = isDropped();
    let opensDropped = false;
    let closesDropped = false;
    for (const content of actions) {
      if (/^(if|with|range|define|block)\b/.test(content)) {
        const dropped = /^(if|with)\b/.test(content) && sections.some((section) => mentions(content, section));
        opensDropped ||= dropped && !isDropped();
        open.push({ dropped });
      } else if (/^end\b/.test(content)) {
        closesDropped ||= open.at(-1)?.dropped === true && open.filter((block) => block.dropped).length === 1;
        open.pop();
      } else if (/^else\b/.test(content) && open.at(-1)?.dropped) {
        throw new UnclearTemplateError(`line ${index + 1}: the block has an "else"; decide by hand which part stays`);
      }
    }
    if ((opensDropped || closesDropped) && line.replaceAll(action, '').trim() !== '' && !wasDropped) {
      throw new UnclearTemplateError(
        `line ${index + 1}: the condition shares its line with other text; change it by hand`,
      );
    }
    if (!wasDropped && !opensDropped) {
      kept.push(line);
    }
  }
  return kept.join('');
}

/** `.Values.ghcrAuth`, `.Values.ghcrAuth.enabled` and the like, also inside `and`. */
function mentions(content: string, section: string): boolean {
  return new RegExp(`\\.Values\\.${section}(?![\\w])`).test(content) && !/^(if|with)\s+(or|not)\b/.test(content);
}

function dropPullSecretLines(text: string, names: readonly string[]): string {
  const lines = text.split(/(?<=\n)/);
  const isItem = (line: string | undefined) =>
    names.some((name) => new RegExp(`^\\s*-\\s+(name:\\s+)?["']?${name}["']?\\s*$`).test(line ?? ''));
  const without = lines.filter((line) => !isItem(line));
  if (without.length === lines.length) {
    return text;
  }
  // A list header that lost its only item would say null.
  return without
    .filter((line, index) => {
      const header = /^(\s*)imagePullSecrets:\s*$/.exec(line);
      const next = without[index + 1] ?? '';
      return header === null || new RegExp(`^${header[1]}\\s*(-|\\{\\{)`).test(next);
    })
    .join('');
}

function hasContent(text: string): boolean {
  return text
    .replaceAll(/\{\{-?\s*\/\*[\s\S]*?\*\/\s*-?\}\}/g, '')
    .split('\n')
    .some((line) => !/^\s*(#.*|---\s*)?$/.test(line));
}

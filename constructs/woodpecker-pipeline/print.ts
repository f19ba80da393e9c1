import type { Step } from '../../model/pipeline/step.ts';
import { yamlDocument } from '../core/yaml.ts';
import type { WoodpeckerFile } from './file-format.ts';

/**
 * The file as text: sections and steps apart from each other, the order of the steps as a comment, and every value with
 * a substitution in double quotes. Woodpecker substitutes before it reads YAML: without the quotes a commit of digits
 * would become a number.
 */
export function printWoodpeckerFile(file: WoodpeckerFile, levels: readonly (readonly Step[])[]): string {
  const { steps, ...head } = file;
  return [
    '# Rendered by `npm run synth`; changes belong in the settings or the constructs.',
    '# Order of the steps; those of one line run side by side:',
    ...levels.map((level, index) => `#   ${index + 1}. ${level.map(({ name }) => name).join(' | ')}`),
    '',
    ...Object.entries(head)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => yaml({ [key]: value })),
    'steps:',
    steps.map((step) => indent(yaml([step]))).join('\n'),
  ].join('\n');
}

function indent(block: string): string {
  return block.replaceAll(/^(?=.)/gm, '  ');
}

/** A mark that YAML always quotes, because no plain scalar may start with `@`. */
const mark = '@substituted-';

function yaml(value: unknown): string {
  const quoted: string[] = [];
  const hide = (node: unknown): unknown => {
    if (typeof node === 'string') {
      return node.includes('${') ? `${mark}${quoted.push(node) - 1}@` : node;
    }
    if (Array.isArray(node)) {
      return node.map(hide);
    }
    return node !== null && typeof node === 'object'
      ? Object.fromEntries(Object.entries(node).map(([key, child]) => [key, hide(child)]))
      : node;
  };
  return yamlDocument(hide(value)).replaceAll(/"@substituted-(\d+)@"/g, (_, index) =>
    JSON.stringify(quoted[Number(index)]),
  );
}

import { dump } from 'js-yaml';

const options = { noRefs: true, lineWidth: -1, quoteStyle: 'double' } as const;

/** One YAML document, in the dialect that YAML 1.1 and 1.2 readers understand alike. */
export function yamlDocument(value: unknown): string {
  return dump(value, options);
}

/** Several documents in one file. */
export function yamlDocuments(values: readonly unknown[]): string {
  return values.map(yamlDocument).join('---\n');
}

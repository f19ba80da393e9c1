import type { Workflow } from './workflow.ts';

/** Names of the secrets that a workflow uses, sorted. */
export function secretsOf(workflow: Workflow): readonly string[] {
  const found = JSON.stringify(workflow).matchAll(/secrets\.([A-Z][A-Z0-9_]*)/g);
  return [...new Set([...found].map((match) => match[1] as string))].sort();
}

/** A secret of the repository, for people. */
export interface SecretDescription {
  readonly purpose: string;
  /** How its value is made. */
  readonly source: string;
}

/**
 * The secrets that a workflow uses as a table in Markdown.
 * @throws Error for a secret that nobody described
 */
export function secretsTable(workflow: Workflow, described: Readonly<Record<string, SecretDescription>>): string {
  const rows = secretsOf(workflow).map((name) => {
    const description = described[name];
    if (description === undefined) {
      throw new Error(`workflow "${workflow.name}" uses the secret ${name}, which is not described`);
    }
    return `| \`${name}\` | ${description.purpose} | ${description.source} |`;
  });
  return ['| Secret | What for | Where from |', '| --- | --- | --- |', ...rows].join('\n');
}

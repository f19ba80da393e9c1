import { yamlDocument } from '../core/yaml.ts';
import { versionOf } from './actions.ts';
import type { Workflow } from './workflow.ts';

/**
 * The workflow as text: sections and jobs apart from each other, `"on"` in quotes (a YAML 1.1 reader takes the bare word
 * for the boolean true), and the release behind the commit of every action.
 */
export function printWorkflow(workflow: Workflow): string {
  const { jobs, ...head } = workflow;
  const blocks = [
    ...Object.entries(head)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => yamlDocument({ [key]: value })),
    'jobs:',
    ...Object.entries(jobs).map(([id, job]) => indent(yamlDocument({ [id]: job }))),
  ];
  const text = blocks.join('\n').replaceAll('jobs:\n\n', 'jobs:\n');
  return header + withVersions(text);
}

const header = '# Rendered by `npm run synth`; changes belong in the settings or the constructs.\n';

function withVersions(text: string): string {
  return text.replaceAll(/^( *(?:- )?uses: )(\S+@[0-9a-f]{40})$/gm, (line, _, uses: string) => {
    const version = versionOf(uses);
    return version === undefined ? line : `${line} # ${version}`;
  });
}

function indent(block: string): string {
  return block.replaceAll(/^(?=.)/gm, '  ');
}

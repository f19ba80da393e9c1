import { spellText, type TextLike, type VariableName } from '../../model/pipeline/text.ts';
import { spellTag, type TagTemplate } from '../../model/tag-policy.ts';

const names: Readonly<Record<VariableName, string>> = {
  commitSha: 'CI_COMMIT_SHA',
  branch: 'CI_COMMIT_BRANCH',
  sourceBranch: 'CI_COMMIT_SOURCE_BRANCH',
  pullRequestNumber: 'CI_COMMIT_PULL_REQUEST',
  gitTag: 'CI_COMMIT_TAG',
  repository: 'CI_REPO',
  runNumber: 'CI_PIPELINE_NUMBER',
  runUrl: 'CI_PIPELINE_URL',
};

/**
 * Woodpecker puts `${NAME}` into the file before it reads it as YAML, so a value could change what the file says. People
 * choose the names of branches and tags freely; these stay with the shell, which takes them as text.
 */
const chosenByPeople: readonly VariableName[] = ['branch', 'sourceBranch', 'gitTag'];

/** Text of a command. Values that people choose become shell variables: the author puts them between double quotes. */
export function spellCommand(value: TextLike): string {
  return spellText(
    value,
    (name) => (chosenByPeople.includes(name) ? `$${names[name]}` : `\${${names[name]}}`),
    withoutSubstitution,
  );
}

/**
 * Text of a setting or an environment variable, which no shell reads.
 * @throws Error for values that people choose
 */
export function spellSetting(value: TextLike, where: string): string {
  return spellText(
    value,
    (name) => {
      if (chosenByPeople.includes(name)) {
        throw new Error(
          `${where}: ${name} is chosen by people and may not become part of the file; read $${names[name]}`,
        );
      }
      return `\${${names[name]}}`;
    },
    withoutSubstitution,
  );
}

/** An image tag. Branches and versions are refused before (see the supported features). */
export function spellImageTag(template: TagTemplate): string {
  return spellTag(template, (part) => {
    if ('sha' in part) {
      return part.sha === 40 ? `\${${names.commitSha}}` : `\${${names.commitSha}:0:${part.sha}}`;
    }
    if (part.part === 'pullRequest') {
      return `\${${names.pullRequestNumber}}`;
    }
    throw new Error(`Woodpecker cannot write ${part.part} into an image tag`);
  });
}

/** Fixed text must reach the shell as it is: Woodpecker makes `$` of `$$`, and nothing of an unknown `${NAME}`. */
function withoutSubstitution(fixed: string): string {
  return fixed.replaceAll(/\$(?=[${])/g, () => '$$');
}

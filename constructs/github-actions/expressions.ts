import { spellText, type TextLike, type VariableName } from '../../model/pipeline/text.ts';

const values: Readonly<Record<VariableName, string>> = {
  commitSha: 'github.sha',
  branch: 'github.base_ref || github.ref_name',
  sourceBranch: 'github.head_ref',
  pullRequestNumber: 'github.event.pull_request.number',
  gitTag: "github.ref_type == 'tag' && github.ref_name || ''",
  repository: 'github.repository',
  runNumber: 'github.run_number',
  runUrl: "format('{0}/{1}/actions/runs/{2}', github.server_url, github.repository, github.run_id)",
};

/**
 * GitHub puts `${{ }}` into a command before the shell reads it, so a value could become code. People choose the names of
 * branches and tags freely: these reach commands as environment variables only.
 */
const chosenByPeople: Readonly<Partial<Record<VariableName, string>>> = {
  branch: 'PIPELINE_BRANCH',
  sourceBranch: 'PIPELINE_SOURCE_BRANCH',
  gitTag: 'PIPELINE_GIT_TAG',
};

/** GitHub's commit of a pull request is a merge that exists nowhere else; the commit that people see is its head. */
const commitOfPullRequests = 'github.event.pull_request.head.sha || github.sha';

/** An expression with the marks around it. */
export function expression(text: string): string {
  return `\${{ ${text} }}`;
}

/** How a value of the run is written where no shell reads it; `pullRequests` if the step runs on pull requests. */
export function variableExpression(name: VariableName, pullRequests: boolean): string {
  return expression(name === 'commitSha' && pullRequests ? commitOfPullRequests : values[name]);
}

/** Text of a setting or an environment variable. */
export function spellValue(value: TextLike, pullRequests: boolean): string {
  return spellText(value, (name) => variableExpression(name, pullRequests), fixed);
}

/** A command, and the environment variables that it needs for the values that people choose. */
export interface SpelledCommand {
  readonly text: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Text of a command. The author puts values that people choose between double quotes. */
export function spellCommand(value: TextLike, pullRequests: boolean): SpelledCommand {
  const environment: Record<string, string> = {};
  const text = spellText(
    value,
    (name) => {
      const variable = chosenByPeople[name];
      if (variable === undefined) {
        return variableExpression(name, pullRequests);
      }
      environment[variable] = variableExpression(name, pullRequests);
      return `$${variable}`;
    },
    fixed,
  );
  return { text, environment };
}

function fixed(part: string): string {
  if (part.includes('${{')) {
    throw new Error(`"${part}" holds an expression of GitHub; use a variable of the pipeline instead`);
  }
  return part;
}

import type { Pipeline } from '../../model/pipeline/pipeline.ts';
import type { ImageBuildStep } from '../../model/pipeline/step.ts';
import type { Trigger } from '../../model/pipeline/trigger.ts';
import { spellTag, type TagPolicy, type TagRule, type TagTemplate } from '../../model/tag-policy.ts';
import { tagPolicyScript } from '../../model/tag-policy-shell.ts';
import { expression, variableExpression } from './expressions.ts';
import { script } from './steps.ts';
import type { RunStep } from './workflow.ts';

/** Id of the step that `tagStep` makes. */
const tagStepId = 'tags';

/** What `tagStep` hands on, as operands of expressions. */
export const tagOutputs = {
  /** The tag to deploy; empty if the event deploys nothing. */
  deploy: `steps.${tagStepId}.outputs.deploy`,
  /** All tags, one a line. */
  tags: `steps.${tagStepId}.outputs.tags`,
  /** Every tag as `{0}:TAG`, one a line, for `references`. */
  templates: `steps.${tagStepId}.outputs.templates`,
} as const;

/**
 * Whole references of an image, one a line: expressions cannot loop, but they can format.
 * @param repository operand of an expression: `matrix.repository`, or a literal between single quotes
 */
export function references(repository: string, templates: string = tagOutputs.templates): string {
  return expression(`format(${templates}, ${repository})`);
}

/**
 * A step that works out the tags of an event by the policy: GitHub's expressions cannot cut a commit short or clean a
 * branch. Its outputs are always text, see `tagOutputs`.
 */
export function tagStep(policy: TagPolicy): RunStep {
  return script(
    'Work out the image tags',
    [
      'case "$EVENT/$REF_TYPE" in',
      'pull_request/*) TAG_EVENT=pull-request ;;',
      '*/tag) TAG_EVENT=tag ;;',
      '*) TAG_EVENT=push ;;',
      'esac',
      '(',
      tagPolicyScript(policy).trimEnd(),
      ') > "$RUNNER_TEMP/tags.txt"',
      'cat "$RUNNER_TEMP/tags.txt"',
      '{',
      "  echo 'tags<<END_OF_TAGS'",
      '  sed -n \'s/^tag=//p\' "$RUNNER_TEMP/tags.txt"',
      "  echo 'END_OF_TAGS'",
      "  echo 'templates<<END_OF_TAGS'",
      '  sed -n \'s/^tag=/{0}:/p\' "$RUNNER_TEMP/tags.txt"',
      "  echo 'END_OF_TAGS'",
      '  sed -n \'/^deploy=/p\' "$RUNNER_TEMP/tags.txt"',
      '} >> "$GITHUB_OUTPUT"',
      '',
    ].join('\n'),
    {
      id: tagStepId,
      shell: 'sh',
      env: {
        EVENT: expression('github.event_name'),
        REF_TYPE: expression('github.ref_type'),
        COMMIT_SHA: variableExpression('commitSha', true),
        BRANCH: expression('github.ref_name'),
        GIT_TAG: expression('github.ref_name'),
        PULL_REQUEST: expression('github.event.pull_request.number'),
      },
    },
  );
}

/** How a build step of the pipeline gets its tags. */
export interface ImageTags {
  /** The step that works them out, if expressions alone cannot. */
  readonly step: RunStep | undefined;
  /** Whole references, one a line. */
  readonly references: string;
}

/** The tags of a build step, as expressions where the whole commit is enough, else by a step. */
export function imageTags(build: ImageBuildStep, pipeline: Pipeline, repository: string): ImageTags {
  const triggers = pipeline.triggersOf(build);
  const pullRequests = triggers.some(({ on }) => on === 'pull-request');
  if (build.tags.every(isPlain)) {
    const written = repository.startsWith("'") ? repository.slice(1, -1) : expression(repository);
    return {
      step: undefined,
      references: build.tags.map((template) => `${written}:${spell(template, pullRequests)}`).join('\n'),
    };
  }
  return { step: tagStep(policyOf(build, triggers)), references: references(repository) };
}

/** The tags of the step for the events that it runs on. */
function policyOf(build: ImageBuildStep, triggers: readonly Trigger[]): TagPolicy {
  const events = new Set(triggers.flatMap(({ on }) => (on === 'pull-request' || on === 'tag' ? [on] : branchEvents)));
  return { name: 'commit-sha', releaseBranch: 'main', rules: [...events].map((on) => ({ on, tags: build.tags })) };
}

const branchEvents: readonly TagRule['on'][] = ['release-branch', 'other-branch'];

function isPlain(template: TagTemplate): boolean {
  return template.every((part) => 'literal' in part || ('sha' in part && part.sha === 40));
}

function spell(template: TagTemplate, pullRequests: boolean): string {
  return spellTag(template, () => variableExpression('commitSha', pullRequests));
}

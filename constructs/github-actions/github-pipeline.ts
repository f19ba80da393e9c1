import { type Feature, requireSupport } from '../../model/pipeline/features.ts';
import type { Pipeline } from '../../model/pipeline/pipeline.ts';
import {
  type CommandStep,
  type ImageBuildStep,
  isStepOutput,
  type Step,
  type WorkspaceFile,
} from '../../model/pipeline/step.ts';
import { actions, use } from './actions.ts';
import { jobCondition, workflowTriggers } from './conditions.ts';
import { expression, spellCommand, spellValue } from './expressions.ts';
import { imageTags } from './image-tags.ts';
import { type JobPlan, planJobs } from './jobs.ts';
import { printWorkflow } from './print.ts';
import {
  builder,
  buildImage,
  checkout,
  githubToken,
  keepArtifact,
  registryLogin,
  script,
  secretValue,
} from './steps.ts';
import type { Job, Permissions, Workflow, WorkflowStep } from './workflow.ts';

export interface GithubPipelineProps {
  /** The pipeline to write down. */
  readonly pipeline: Pipeline;
  /**
   * Labels of the runners: `ubuntu-24.04` for GitHub's own, a scale set's name for one's own. Steps with an image and
   * builds need Docker on them.
   */
  readonly runsOn: string;
  /**
   * Rights of GITHUB_TOKEN by step, beyond reading the repository (and writing packages, which a build that logs in with
   * this token gets by itself).
   * @default none
   */
  readonly permissions?: Readonly<Record<string, Permissions>>;
  /**
   * Steps of GitHub's own at the end of the job of a step, such as a job summary.
   * @default none
   */
  readonly append?: Readonly<Record<string, readonly WorkflowStep[]>>;
  /**
   * Steps that run on the runner itself instead of in their image, each after these steps, which bring the tools: for what
   * only the runner has, such as its account in a cluster.
   * @default every step runs in its image
   */
  readonly onRunner?: Readonly<Record<string, readonly WorkflowStep[]>>;
  /**
   * Minutes until a job without a limit of its own is stopped.
   * @default 60
   */
  readonly timeoutMinutes?: number;
}

/** What GitHub Actions can express; everything else is refused. */
const supported: readonly Feature[] = [
  'pull request trigger',
  'tag trigger',
  'manual trigger',
  'schedule trigger',
  'excluded branches',
  'queueing of runs',
  'cancelling of runs',
  'step that runs after a failure',
  'step that may fail',
  'time limit of a step',
  'service container',
  'step output',
  'artifact',
  'build without push',
  'branch in an image tag',
  'version in an image tag',
];

/** Step that runs the commands of a pipeline step; its outputs are those of the job. */
const commandsId = 'commands';

/**
 * Writes a pipeline as one GitHub workflow: a job for each step, one job with a matrix for the builds of a wave. Files that
 * a step produces reach later jobs as artifacts; everything else of the working copy starts fresh in each job.
 */
export class GithubPipeline {
  /** The workflow as data. */
  readonly workflow: Workflow;
  /** The workflow as text, for `.github/workflows/NAME.yml`. */
  readonly text: string;
  readonly #props: GithubPipelineProps;
  readonly #jobOf: ReadonlyMap<Step, JobPlan>;

  /**
   * @throws UnsupportedFeatureError naming everything in the pipeline that GitHub Actions has no way to do
   * @throws Error for a pattern that only triggers of a whole workflow can have, and for names of steps that do not exist
   */
  constructor(props: GithubPipelineProps) {
    requireSupport('GitHub Actions', supported, props.pipeline);
    this.#props = props;
    refuseUnknown(props);
    const { pipeline } = props;
    const plans = planJobs(pipeline);
    this.#jobOf = new Map(plans.flatMap((plan) => plan.steps.map((step) => [step, plan] as const)));
    const queue = pipeline.whenRunning;
    this.workflow = {
      name: pipeline.name,
      on: workflowTriggers(pipeline.triggers),
      permissions: {},
      ...(queue === undefined
        ? {}
        : {
            concurrency: {
              group: `${expression('github.workflow')}-${expression('github.ref')}`,
              'cancel-in-progress': queue === 'cancel',
            },
          }),
      jobs: Object.fromEntries(plans.map((plan) => [plan.id, this.job(plan)])),
    };
    this.text = printWorkflow(this.workflow);
  }

  private job(plan: JobPlan): Job {
    const first = plan.steps[0];
    const condition = jobCondition(first, this.#props.pipeline);
    const matrix = plan.steps.length > 1;
    return {
      ...(matrix ? { name: `${plan.id} (${expression('matrix.step')})` } : {}),
      ...(plan.needs.length === 0 ? {} : { needs: plan.needs }),
      ...(condition === undefined ? {} : { if: condition }),
      'runs-on': this.#props.runsOn,
      permissions: this.permissions(plan),
      ...(first.mayFail ? { 'continue-on-error': true } : {}),
      'timeout-minutes': first.timeoutMinutes ?? this.#props.timeoutMinutes ?? 60,
      ...(first.kind === 'commands' ? this.commandFields(first) : this.buildFields(plan, first)),
    };
  }

  private permissions(plan: JobPlan): Permissions {
    const more = plan.steps.map((step) => this.#props.permissions?.[step.name] ?? {});
    const pushes = plan.steps.some(
      (step) => step.kind === 'image-build' && step.push && step.login?.password.name === githubToken,
    );
    return Object.assign({ contents: 'read' }, pushes ? { packages: 'write' } : {}, ...more);
  }

  private commandFields(step: CommandStep): Omit<Job, 'runs-on'> {
    const pullRequests = this.onPullRequests(step);
    const commands = step.commands.map((command) => spellCommand(command, pullRequests));
    const values = Object.entries(step.environment).map(([name, value]) => [
      name,
      isStepOutput(value)
        ? expression(`needs.${this.#jobOf.get(value.step)?.id}.outputs.${value.output}`)
        : spellValue(value, pullRequests),
    ]);
    const secrets = Object.entries(step.secrets).map(([name, secret]) => [name, secretValue(secret.name)]);
    const env: Record<string, string> = Object.fromEntries([
      ...commands.flatMap(({ environment }) => Object.entries(environment)),
      ...values,
      ...secrets,
    ]);
    const tools = this.#props.onRunner?.[step.name];
    return {
      ...(step.outputs.length === 0
        ? {}
        : {
            outputs: Object.fromEntries(
              step.outputs.map((name) => [name, expression(`steps.${commandsId}.outputs.${name}`)]),
            ),
          }),
      ...(tools === undefined ? { container: step.image } : {}),
      ...(step.services.length === 0
        ? {}
        : {
            services: Object.fromEntries(
              step.services.map(({ name, image, environment, ports }) => [
                name,
                {
                  image,
                  ...(environment === undefined ? {} : { env: environment }),
                  ...(ports === undefined ? {} : { ports }),
                },
              ]),
            ),
          }),
      steps: [
        checkout(),
        ...(tools ?? []),
        ...consumed(step),
        script(step.name, `${commands.map(({ text }) => text).join('\n')}\n`, {
          id: commandsId,
          // Images without bash have this one, and it stops at the first command that fails.
          shell: 'sh',
          ...(step.directory === '.' ? {} : { 'working-directory': step.directory }),
          ...(Object.keys(env).length === 0 ? {} : { env }),
        }),
        ...(step.produces.length === 0
          ? []
          : [keepArtifact(filesOf(step), step.produces.map(({ path }) => path).join('\n'), 'ignore')]),
        ...step.artifacts.map(({ name, path }) => keepArtifact(name, path)),
        ...(this.#props.append?.[step.name] ?? []),
      ],
    };
  }

  private buildFields(plan: JobPlan, first: ImageBuildStep): Omit<Job, 'runs-on'> {
    const members = plan.steps.filter((step) => step.kind === 'image-build');
    const own = (step: ImageBuildStep) => this.buildValues(step);
    const matrix = members.length > 1;
    const value = (name: string) => (matrix ? expression(`matrix.${name}`) : (own(first)[name] as string));
    const tags = imageTags(first, this.#props.pipeline, matrix ? 'matrix.repository' : `'${first.repository}'`);
    const cache = first.cache === undefined ? undefined : `type=registry,ref=${value('cache')}`;
    return {
      ...(matrix
        ? {
            strategy: {
              'fail-fast': true,
              matrix: { include: members.map((step) => ({ step: step.name, ...own(step) })) },
            },
          }
        : {}),
      steps: [
        checkout(),
        ...(tags.step === undefined ? [] : [tags.step]),
        ...builder(first.platforms),
        ...(first.login === undefined ? [] : [login(first)]),
        buildImage({
          name: first.push ? 'Build and push' : 'Build',
          context: value('context'),
          dockerfile: value('dockerfile'),
          platforms: first.platforms.join(','),
          tags: tags.references,
          result: first.push ? 'push' : 'neither',
          ...(Object.keys(first.buildArguments).length === 0 ? {} : { arguments: value('arguments') }),
          // A pull request from a fork may read the cache, but not write it.
          ...(cache === undefined ? {} : { cacheFrom: cache }),
          ...(cache === undefined || !first.push ? {} : { cacheTo: `${cache},mode=max` }),
        }),
        ...members.flatMap((step) => this.#props.append?.[step.name] ?? []),
      ],
    };
  }

  /** What members of a matrix differ in. */
  private buildValues(step: ImageBuildStep): Readonly<Record<string, string>> {
    const buildArguments = Object.entries(step.buildArguments).map(
      ([name, text]) => `${name}=${spellValue(text, this.onPullRequests(step))}`,
    );
    return {
      repository: lowerCase(step),
      context: step.context,
      dockerfile: step.dockerfile,
      ...(step.cache === undefined ? {} : { cache: step.cache }),
      ...(buildArguments.length === 0 ? {} : { arguments: buildArguments.join('\n') }),
    };
  }

  private onPullRequests(step: Step): boolean {
    return this.#props.pipeline.triggersOf(step).some(({ on }) => on === 'pull-request');
  }
}

function login(step: ImageBuildStep): WorkflowStep {
  const { user, password } = step.login as NonNullable<ImageBuildStep['login']>;
  return registryLogin({
    registry: step.registry,
    ...(password.name === githubToken ? {} : { secrets: { user: user.name, password: password.name } }),
  });
}

/** Name of the artifact that carries the files of a step to later jobs. */
function filesOf(step: Step): string {
  return `files-of-${step.name}`;
}

/** A file may be missing because the step before failed: whoever reads it has to say so. */
function consumed(step: CommandStep): readonly WorkflowStep[] {
  return [...new Set(step.consumes.map(({ from }) => from))].map((from) =>
    use(actions.downloadArtifact, {
      name: `Fetch the files of ${from.name}`,
      'continue-on-error': true,
      with: { name: filesOf(from), path: from.kind === 'commands' ? commonFolder(from.produces) : '.' },
    }),
  );
}

/** An artifact keeps the paths of its files below the folder that all of them are in. */
function commonFolder(files: readonly WorkspaceFile[]): string {
  const folders = files.map(({ path }) => path.split('/').slice(0, -1));
  const [first = []] = folders;
  const common = first.filter((_, index) =>
    folders.every((parts) => parts.slice(0, index + 1).join('/') === first.slice(0, index + 1).join('/')),
  );
  return common.length === 0 ? '.' : common.join('/');
}

/** Registries refuse capital letters, and scanners trip over them. */
function lowerCase(step: ImageBuildStep): string {
  if (step.repository !== step.repository.toLowerCase()) {
    throw new Error(`step "${step.name}": the repository ${step.repository} must be all lower case`);
  }
  return step.repository;
}

function refuseUnknown({ pipeline, permissions = {}, append = {}, onRunner = {} }: GithubPipelineProps): void {
  const names = pipeline.steps.map(({ name }) => name);
  const unknown = [permissions, append, onRunner].flatMap(Object.keys).filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `pipeline "${pipeline.name}" has no step "${unknown.join('", "')}"; its steps are ${names.join(', ')}`,
    );
  }
}

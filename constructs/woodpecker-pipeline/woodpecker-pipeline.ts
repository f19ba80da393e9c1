import { type Feature, requireSupport } from '../../model/pipeline/features.ts';
import type { Pipeline } from '../../model/pipeline/pipeline.ts';
import {
  type CommandStep,
  type ImageBuildStep,
  isStepOutput,
  type MountedFile,
  type ServiceContainer,
  type Step,
} from '../../model/pipeline/step.ts';
import type { TextLike } from '../../model/pipeline/text.ts';
import type { Trigger } from '../../model/pipeline/trigger.ts';
import type {
  WoodpeckerCondition,
  WoodpeckerFile,
  WoodpeckerKubernetesOptions,
  WoodpeckerService,
  WoodpeckerStep,
  WoodpeckerValue,
} from './file-format.ts';
import { printWoodpeckerFile } from './print.ts';
import { spellCommand, spellImageTag, spellSetting } from './variables.ts';

export interface WoodpeckerPipelineProps {
  /** The pipeline to write down. */
  readonly pipeline: Pipeline;
  /**
   * Image of plugin-docker-buildx, with its tag. It needs a privileged container, so the server must list exactly this
   * reference in WOODPECKER_PLUGINS_PRIVILEGED.
   */
  readonly buildPlugin: string;
  /** Image of plugin-git, with its tag. */
  readonly clonePlugin: string;
  /**
   * Certificate authority of the forge, if its clone address is https with a private one.
   * @default the public authorities
   */
  readonly forgeCertificate?: MountedFile;
  /**
   * Image that buildx runs builds in; a copy in the local registry avoids one download from Docker Hub per build.
   * @default the plugin's own
   */
  readonly buildkitImage?: string;
  /**
   * Largest packet in bytes inside the build containers; below the pods' own, else downloads hang.
   * @default the plugin's own
   */
  readonly mtu?: number;
}

/** What Woodpecker looks for in a repository. */
export const woodpeckerRepository = {
  /** Where the pipeline file belongs. */
  file: '.woodpecker.yml',
  /** Paths that it would read instead, without a word (3.17: the first that exists). */
  refuse: ['.woodpecker', '.woodpecker.yaml'].map((path) => ({
    path,
    reason: 'Woodpecker would read it instead of .woodpecker.yml; remove it',
  })),
} as const;

/** What Woodpecker 3.17 can express; everything else is refused. Cancelling is a setting of the repository, not of the file. */
const supported: readonly Feature[] = [
  'pull request trigger',
  'tag trigger',
  'manual trigger',
  'excluded branches',
  'queueing of runs',
  'step that runs after a failure',
  'step that may fail',
  'service account of a step',
  'resources of a step',
  'mounted file',
  'service container',
  'build without push',
];

/**
 * Writes a pipeline as one `.woodpecker.yml` (R14, R27): one workflow, one clone, every step with `depends_on`.
 */
export class WoodpeckerPipeline {
  /** The file as data. */
  readonly file: WoodpeckerFile;
  /** The file as text, for `.woodpecker.yml` in the root of the repository. */
  readonly text: string;
  readonly #props: WoodpeckerPipelineProps;

  /** @throws UnsupportedFeatureError naming everything in the pipeline that Woodpecker has no way to do */
  constructor(props: WoodpeckerPipelineProps) {
    requireSupport('Woodpecker', supported, props.pipeline);
    this.#props = props;
    const { pipeline } = props;
    const services = servicesOf(pipeline);
    this.file = {
      when: pipeline.triggers.map((trigger) => condition(trigger)),
      // A group of its own for each pull request; all pushes share one. Without it a run on main could overtake another.
      ...(pipeline.whenRunning === 'queue'
        ? { concurrency: { limit: 1, group: '${CI_PIPELINE_EVENT}-${CI_COMMIT_PULL_REQUEST}' } }
        : {}),
      clone: [this.cloneStep()],
      ...(services.length === 0 ? {} : { services }),
      steps: pipeline.ordered.map((step) => this.step(step)),
    };
    this.text = printWoodpeckerFile(this.file, pipeline.levels());
  }

  private cloneStep(): WoodpeckerStep {
    const certificate = this.#props.forgeCertificate;
    return {
      name: 'git',
      image: this.#props.clonePlugin,
      settings: {
        // By default the clone fetches contents later, on demand, when the steps no longer have the credentials.
        partial: false,
        depth: 1,
        lfs: false,
        ...(certificate === undefined ? {} : { 'custom-ssl-path': certificate.path }),
      },
      ...kubernetesOptions({ mounts: certificate === undefined ? [] : [certificate] }),
    };
  }

  private step(step: Step): WoodpeckerStep {
    switch (step.kind) {
      case 'commands':
        return { ...this.common(step, step.image), ...commandFields(step), ...kubernetesOptions(step) };
      case 'image-build':
        return {
          ...this.common(step, this.#props.buildPlugin),
          settings: this.buildSettings(step),
          ...kubernetesOptions(step),
        };
    }
  }

  private common(step: Step, image: string): WoodpeckerStep {
    const when = conditions(step, this.#props.pipeline);
    return {
      name: step.name,
      image,
      depends_on: step.needs.map((needed) => needed.name),
      ...(when === undefined ? {} : { when }),
      ...(step.mayFail ? { failure: 'ignore' as const } : {}),
    };
  }

  /** Only settings: a plugin with `environment` or `commands` would lose its privileges. */
  private buildSettings(step: ImageBuildStep): Readonly<Record<string, WoodpeckerValue>> {
    const buildArguments = Object.entries(step.buildArguments).map(
      ([name, value]) => `${name}=${spellSetting(value, `build argument ${name} of step "${step.name}"`)}`,
    );
    const { buildkitImage, mtu } = this.#props;
    return {
      registry: step.registry,
      repo: step.repository,
      tags: step.tags.map(spellImageTag),
      dockerfile: step.dockerfile,
      context: step.context,
      platforms: step.platforms.join(','),
      ...(buildArguments.length === 0 ? {} : { build_args: buildArguments }),
      ...(step.cache === undefined ? {} : { cache_images: [step.cache] }),
      // Attestations turn the image into an index that some registry watchers cannot date.
      provenance: 'false',
      ...(step.push ? {} : { 'dry-run': true }),
      ...(buildkitImage === undefined ? {} : { buildkit_driveropt: [`image=${buildkitImage}`] }),
      ...(mtu === undefined ? {} : { mtu }),
      ...(step.login === undefined
        ? {}
        : { username: { from_secret: step.login.user.name }, password: { from_secret: step.login.password.name } }),
    };
  }
}

function commandFields(step: CommandStep): Partial<WoodpeckerStep> {
  const environment = Object.entries(step.environment).map(([name, value]): [string, WoodpeckerValue] => [
    name,
    spellSetting(plain(value), `variable ${name} of step "${step.name}"`),
  ]);
  const secrets = Object.entries(step.secrets).map(([name, secret]): [string, WoodpeckerValue] => [
    name,
    { from_secret: secret.name },
  ]);
  const all = [...environment, ...secrets];
  return {
    ...(step.directory === '.' ? {} : { directory: step.directory }),
    ...(all.length === 0 ? {} : { environment: Object.fromEntries(all) }),
    commands: step.commands.map(spellCommand),
  };
}

function plain(value: CommandStep['environment'][string]): TextLike {
  if (isStepOutput(value)) {
    throw new Error('step outputs are refused before');
  }
  return value;
}

function kubernetesOptions(
  step: Partial<Pick<Step, 'serviceAccount' | 'resources' | 'mounts'>>,
): Partial<WoodpeckerStep> {
  const { serviceAccount, resources, mounts = [] } = step;
  const kubernetes: WoodpeckerKubernetesOptions = {
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    ...(resources === undefined ? {} : { resources: { requests: resources.requests, limits: resources.limits } }),
    ...(mounts.length === 0
      ? {}
      : { secrets: mounts.map(({ secret, key, path }) => ({ name: secret, key, target: { file: path } })) }),
  };
  return Object.keys(kubernetes).length === 0 ? {} : { backend_options: { kubernetes } };
}

/** The conditions of a step, or undefined if those of the whole file say it all. */
function conditions(step: Step, pipeline: Pipeline): readonly WoodpeckerCondition[] | undefined {
  if (step.when === undefined && step.runsOn === 'success') {
    return undefined;
  }
  const status = { success: undefined, always: ['success', 'failure'], failure: ['failure'] } as const;
  const of = status[step.runsOn];
  return pipeline
    .triggersOf(step)
    .map((trigger) => ({ ...condition(trigger), ...(of === undefined ? {} : { status: of }) }));
}

function condition(trigger: Trigger): WoodpeckerCondition {
  switch (trigger.on) {
    case 'push':
      return {
        event: 'push',
        branch:
          trigger.exceptBranches === undefined
            ? oneOrMore(trigger.branches)
            : { include: trigger.branches, exclude: trigger.exceptBranches },
      };
    case 'pull-request':
      return {
        event: 'pull_request',
        ...(trigger.targets === undefined ? {} : { branch: oneOrMore(trigger.targets) }),
      };
    case 'tag':
      return { event: 'tag', ref: oneOrMore(trigger.tags.map((tag) => `refs/tags/${tag}`)) };
    case 'manual':
      return { event: 'manual', ...(trigger.branches === undefined ? {} : { branch: oneOrMore(trigger.branches) }) };
    case 'schedule':
      throw new Error('schedules are refused before');
  }
}

function oneOrMore(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? (values[0] as string) : values;
}

/** Woodpecker's services run beside the whole workflow; each is there once, even if several steps ask for it. */
function servicesOf(pipeline: Pipeline): readonly WoodpeckerService[] {
  const byName = new Map<string, ServiceContainer>();
  for (const service of pipeline.steps.flatMap((step) => (step.kind === 'commands' ? step.services : []))) {
    const known = byName.get(service.name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(service)) {
      throw new Error(`pipeline "${pipeline.name}": two different services are called "${service.name}"`);
    }
    byName.set(service.name, service);
  }
  return [...byName.values()];
}

import type { TagTemplate } from '../tag-policy.ts';
import type { TextLike } from './text.ts';
import type { Trigger } from './trigger.ts';

/** A secret in the CI engine's own store. Only its name is ever written down. */
export interface PipelineSecret {
  /** Name in the store. */
  readonly name: string;
  /** What it is for and what it must be able to do; goes into the list of secrets to provide. */
  readonly purpose: string;
}

/** A file of the working copy that one step writes and others read. */
export class WorkspaceFile {
  readonly path: string;

  /** @param path relative to the root of the repository */
  constructor(path: string) {
    this.path = path;
  }
}

/** A value that a step hands to later ones. Made by `CommandStep.output`; using it makes the user need the step. */
export interface StepOutput {
  readonly step: Step;
  readonly output: string;
}

/** A container that runs beside a step, reachable by its name. */
export interface ServiceContainer {
  readonly name: string;
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly number[];
}

/** A file from a Kubernetes Secret beside the step's pod, such as a private CA; engines without Kubernetes refuse it. */
export interface MountedFile {
  readonly secret: string;
  readonly key: string;
  /** Absolute path in the container. */
  readonly path: string;
}

/** Kubernetes quantities. */
export interface StepResources {
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly limits: { readonly memory: string };
}

/** What every kind of step can have. */
export interface StepProps {
  /**
   * Steps that must be over first.
   * @default none: it starts at once
   */
  readonly needs?: readonly Step[];
  /**
   * Events that it takes part in; never more than those of its needs.
   * @default every trigger of the pipeline
   */
  readonly when?: readonly Trigger[];
  /**
   * `success`: only if everything before it went well; `always`: also after a failure; `failure`: only after one.
   * @default 'success'
   */
  readonly runsOn?: 'success' | 'always' | 'failure';
  /**
   * True if its failure must not fail the pipeline.
   * @default false
   */
  readonly mayFail?: boolean;
  /**
   * Minutes until it is stopped.
   * @default the engine's own limit
   */
  readonly timeoutMinutes?: number;
  /**
   * Kubernetes service account that it runs as.
   * @default the engine's own, without rights
   */
  readonly serviceAccount?: string;
  /** @default the engine's own */
  readonly resources?: StepResources;
  /** @default none */
  readonly mounts?: readonly MountedFile[];
  /**
   * Steps of one group differ in their values only; an engine may write them down once.
   * @default none
   */
  readonly group?: string;
}

const stepName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

abstract class StepBase {
  readonly name: string;
  readonly needs: readonly Step[];
  readonly when: readonly Trigger[] | undefined;
  readonly runsOn: 'success' | 'always' | 'failure';
  readonly mayFail: boolean;
  readonly timeoutMinutes: number | undefined;
  readonly serviceAccount: string | undefined;
  readonly resources: StepResources | undefined;
  readonly mounts: readonly MountedFile[];
  readonly group: string | undefined;

  constructor(name: string, props: StepProps, impliedNeeds: readonly Step[]) {
    if (!stepName.test(name)) {
      throw new Error(`step "${name}": use lower-case letters, digits and dashes, at most 63`);
    }
    this.name = name;
    this.needs = [...new Set([...(props.needs ?? []), ...impliedNeeds])];
    this.when = props.when;
    this.runsOn = props.runsOn ?? 'success';
    this.mayFail = props.mayFail ?? false;
    this.timeoutMinutes = props.timeoutMinutes;
    this.serviceAccount = props.serviceAccount;
    this.resources = props.resources;
    this.mounts = props.mounts ?? [];
    this.group = props.group;
  }
}

export interface CommandStepProps extends StepProps {
  /** Image of the container, with its tag. */
  readonly image: string;
  /** Shell commands, one after the other; the first that fails ends the step. */
  readonly commands: readonly TextLike[];
  /**
   * Folder to run in, relative to the root of the repository.
   * @default '.'
   */
  readonly directory?: string;
  /** @default none */
  readonly environment?: Readonly<Record<string, TextLike | StepOutput>>;
  /**
   * Environment variables that are filled from secrets.
   * @default none
   */
  readonly secrets?: Readonly<Record<string, PipelineSecret>>;
  /** @default none */
  readonly services?: readonly ServiceContainer[];
  /** Files that it writes for later steps. @default none */
  readonly produces?: readonly WorkspaceFile[];
  /** Files of earlier steps that it reads; makes it need the steps in `from`. @default none */
  readonly consumes?: readonly { readonly file: WorkspaceFile; readonly from: Step }[];
  /**
   * Files kept as downloadable artifacts of the run, also after a failure.
   * @default none
   */
  readonly artifacts?: readonly { readonly name: string; readonly path: string }[];
}

/** Runs shell commands in a container. */
export class CommandStep extends StepBase {
  readonly kind = 'commands';
  readonly image: string;
  readonly commands: readonly TextLike[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, TextLike | StepOutput>>;
  readonly secrets: Readonly<Record<string, PipelineSecret>>;
  readonly services: readonly ServiceContainer[];
  readonly produces: readonly WorkspaceFile[];
  readonly consumes: readonly { readonly file: WorkspaceFile; readonly from: Step }[];
  readonly artifacts: readonly { readonly name: string; readonly path: string }[];
  readonly #outputs = new Set<string>();

  constructor(name: string, props: CommandStepProps) {
    const outputs = Object.values(props.environment ?? {}).filter(isStepOutput);
    super(name, props, [
      ...outputs.map((output) => output.step),
      ...(props.consumes ?? []).map((consumed) => consumed.from),
    ]);
    if (props.commands.length === 0) {
      throw new Error(`step "${name}": it has no commands`);
    }
    const both = Object.keys(props.environment ?? {}).filter((key) => key in (props.secrets ?? {}));
    if (both.length > 0) {
      throw new Error(`step "${name}": ${both.join(', ')} is set as a value and as a secret; keep one`);
    }
    for (const { file, from } of props.consumes ?? []) {
      if (from.kind !== 'commands' || !from.produces.includes(file)) {
        throw new Error(`step "${name}": step "${from.name}" does not produce ${file.path}`);
      }
    }
    this.image = props.image;
    this.commands = props.commands;
    this.directory = props.directory ?? '.';
    this.environment = props.environment ?? {};
    this.secrets = props.secrets ?? {};
    this.services = props.services ?? [];
    this.produces = props.produces ?? [];
    this.consumes = props.consumes ?? [];
    this.artifacts = props.artifacts ?? [];
  }

  /** A value that its commands hand to later steps; how they write it depends on the engine. */
  output(name: string): StepOutput {
    this.#outputs.add(name);
    return { step: this, output: name };
  }

  /** Names of the values that others use. */
  get outputs(): readonly string[] {
    return [...this.#outputs];
  }
}

export interface ImageBuildStepProps extends StepProps {
  /** Host of the registry, with its port if it is not 443: `registry.celestium.life`. */
  readonly registry: string;
  /** Whole repository of the image, without a tag: `registry.celestium.life/stonks-oracle/query-api`. */
  readonly repository: string;
  /** All tags it gets, from the tag policy. */
  readonly tags: readonly TagTemplate[];
  /** Dockerfile, relative to the root of the repository. */
  readonly dockerfile: string;
  /** @default '.' */
  readonly context?: string;
  /** @default ['linux/amd64'] */
  readonly platforms?: readonly string[];
  /** @default none */
  readonly buildArguments?: Readonly<Record<string, TextLike>>;
  /**
   * Whole reference of an image in the registry that keeps the build cache.
   * @default no cache
   */
  readonly cache?: string;
  /**
   * User and password of the registry.
   * @default none: it needs no login
   */
  readonly login?: { readonly user: PipelineSecret; readonly password: PipelineSecret };
  /** @default true */
  readonly push?: boolean;
}

/** Builds an image and pushes it with all of its tags. */
export class ImageBuildStep extends StepBase {
  readonly kind = 'image-build';
  readonly registry: string;
  readonly repository: string;
  readonly tags: readonly TagTemplate[];
  readonly dockerfile: string;
  readonly context: string;
  readonly platforms: readonly string[];
  readonly buildArguments: Readonly<Record<string, TextLike>>;
  readonly cache: string | undefined;
  readonly login: { readonly user: PipelineSecret; readonly password: PipelineSecret } | undefined;
  readonly push: boolean;

  constructor(name: string, props: ImageBuildStepProps) {
    super(name, props, []);
    if (props.tags.length === 0) {
      throw new Error(`step "${name}": the image gets no tag; the tag policy has no rule for its events`);
    }
    if (!props.repository.startsWith(`${props.registry}/`)) {
      throw new Error(`step "${name}": repository ${props.repository} is not in registry ${props.registry}`);
    }
    this.registry = props.registry;
    this.repository = props.repository;
    this.tags = props.tags;
    this.dockerfile = props.dockerfile;
    this.context = props.context ?? '.';
    this.platforms = props.platforms ?? ['linux/amd64'];
    this.buildArguments = props.buildArguments ?? {};
    this.cache = props.cache;
    this.login = props.login;
    this.push = props.push ?? true;
  }
}

/** A node of the graph; engines switch on `kind`. */
export type Step = CommandStep | ImageBuildStep;

/** True for a reference to another step's output. */
export function isStepOutput(value: TextLike | StepOutput): value is StepOutput {
  return typeof value === 'object' && 'output' in value;
}

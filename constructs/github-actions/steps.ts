import { actions, use } from './actions.ts';
import { expression } from './expressions.ts';
import type { RunStep, WorkflowStep } from './workflow.ts';

/** Name of the token that GitHub makes for every run; it needs no secret of its own. */
export const githubToken = 'GITHUB_TOKEN';

/** A secret of the repository, as a value. */
export function secretValue(name: string): string {
  return expression(`secrets.${name}`);
}

export interface CheckoutOptions {
  /** The whole history instead of the last commit. @default false */
  readonly history?: boolean;
  /** Leaves the token in the working copy, for steps that push. @default false */
  readonly credentials?: boolean;
}

/** The working copy; without the token in it unless it is asked for. */
export function checkout(options: CheckoutOptions = {}): WorkflowStep {
  return use(actions.checkout, {
    name: 'Check out',
    with: {
      ...(options.history ? { 'fetch-depth': 0 } : {}),
      'persist-credentials': options.credentials ?? false,
    },
  });
}

export interface RegistryLogin {
  /** Host of the registry. */
  readonly registry: string;
  /** Secrets with user and password. @default the token of the run, for ghcr.io */
  readonly secrets?: { readonly user: string; readonly password: string };
  /** Expression without `${{ }}`. @default always */
  readonly if?: string;
}

/** Logs in to a registry; with the token of the run as the user who started it. */
export function registryLogin(login: RegistryLogin): WorkflowStep {
  const { secrets } = login;
  return use(actions.dockerLogin, {
    name: 'Log in to the registry',
    ...(login.if === undefined ? {} : { if: login.if }),
    with: {
      registry: login.registry,
      username: secrets === undefined ? expression('github.actor') : secretValue(secrets.user),
      password: secretValue(secrets?.password ?? githubToken),
    },
  });
}

/** What builds need on the runner; other platforms than the runner's own need QEMU. */
export function builder(platforms: readonly string[]): readonly WorkflowStep[] {
  const foreign = platforms.length > 1 || platforms.some((platform) => platform !== 'linux/amd64');
  return [
    ...(foreign ? [use(actions.setupQemu, { name: 'Set up QEMU', with: { platforms: platforms.join(',') } })] : []),
    use(actions.setupBuildx, { name: 'Set up Buildx' }),
  ];
}

export interface ImageBuild {
  readonly name: string;
  readonly context: string;
  readonly dockerfile: string;
  /** Comma-separated. */
  readonly platforms: string;
  /** Whole references, one a line. */
  readonly tags: string;
  /** `push` to the registry, `load` into the runner's Docker (one platform only), `neither`; or an expression for push. */
  readonly result: 'push' | 'load' | 'neither' | { readonly pushIf: string };
  /** `NAME=value`, one a line. @default none */
  readonly arguments?: string;
  readonly cacheFrom?: string;
  readonly cacheTo?: string;
}

/** Builds an image. */
export function buildImage(build: ImageBuild): WorkflowStep {
  const { result } = build;
  return use(actions.buildPush, {
    name: build.name,
    with: {
      context: build.context,
      file: build.dockerfile,
      platforms: build.platforms,
      tags: build.tags,
      push: typeof result === 'object' ? expression(result.pushIf) : result === 'push',
      ...(result === 'load' ? { load: true } : {}),
      ...(build.arguments === undefined ? {} : { 'build-args': build.arguments }),
      ...(build.cacheFrom === undefined ? {} : { 'cache-from': build.cacheFrom }),
      ...(build.cacheTo === undefined ? {} : { 'cache-to': build.cacheTo }),
      // Attestations turn the image into an index that some registry watchers cannot date.
      provenance: false,
    },
  });
}

/** Keeps a file of the run, also after a failure. */
export function keepArtifact(name: string, path: string, missing: 'warn' | 'error' | 'ignore' = 'warn'): WorkflowStep {
  return use(actions.uploadArtifact, {
    name: `Keep ${name}`,
    if: 'always()',
    with: { name, path, 'if-no-files-found': missing, overwrite: true, 'include-hidden-files': true },
  });
}

/** A script as a step. */
export function script(name: string, text: string, fields: Omit<RunStep, 'run' | 'name'> = {}): RunStep {
  const { id, if: condition, ...rest } = fields;
  return {
    name,
    ...(id === undefined ? {} : { id }),
    ...(condition === undefined ? {} : { if: condition }),
    ...rest,
    run: text,
  };
}

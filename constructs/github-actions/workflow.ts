/**
 * The part of GitHub's workflow format that we write.
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export interface Workflow {
  readonly name: string;
  readonly on: WorkflowTriggers;
  /** Rights of GITHUB_TOKEN in jobs that name none. */
  readonly permissions: Permissions;
  readonly concurrency?: Concurrency;
  /** Variables of every job. Values are strings: an unquoted 3.10 would be the number 3.1. */
  readonly env?: Readonly<Record<string, string>>;
  readonly defaults?: { readonly run: { readonly shell: Shell } };
  /** By id, in the order in which they are written down. */
  readonly jobs: Readonly<Record<string, Job>>;
}

export type Shell = 'bash' | 'sh';

/** Events that start a workflow. Branches and tags are GitHub's patterns; one with `!` excludes. */
export interface WorkflowTriggers {
  readonly push?: { readonly branches?: readonly string[]; readonly tags?: readonly string[] };
  readonly pull_request?: { readonly branches?: readonly string[] };
  readonly workflow_dispatch?: { readonly inputs?: Readonly<Record<string, WorkflowInput>> };
  readonly schedule?: readonly { readonly cron: string }[];
}

/** A field of the form of a start by hand. */
export interface WorkflowInput {
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string;
  readonly type: 'string' | 'boolean' | 'choice';
  readonly options?: readonly string[];
}

/** Rights of GITHUB_TOKEN; those that are not named are refused. */
export type Permissions = Readonly<
  Partial<
    Record<
      'actions' | 'checks' | 'contents' | 'packages' | 'pull-requests' | 'security-events' | 'statuses',
      'read' | 'write'
    >
  >
>;

/** At most one run of a group at a time. Of several that wait, GitHub keeps the newest. */
export interface Concurrency {
  readonly group: string;
  /** An expression with its marks, or a plain value. */
  readonly 'cancel-in-progress': boolean | string;
}

export interface Job {
  readonly name?: string;
  readonly needs?: readonly string[];
  /** Expression without `${{ }}`. */
  readonly if?: string;
  readonly 'runs-on': string | readonly string[];
  readonly environment?: string;
  readonly permissions?: Permissions;
  readonly concurrency?: Concurrency;
  readonly 'continue-on-error'?: boolean;
  readonly 'timeout-minutes'?: number;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly strategy?: {
    readonly 'fail-fast': boolean;
    readonly 'max-parallel'?: number;
    readonly matrix: { readonly include: readonly Readonly<Record<string, string>>[] };
  };
  readonly container?: string;
  readonly services?: Readonly<Record<string, JobService>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly WorkflowStep[];
}

/** A container beside a job, reachable by its name from a job that itself runs in a container. */
export interface JobService {
  readonly image: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly ports?: readonly number[];
}

interface StepFields {
  readonly id?: string;
  readonly name?: string;
  /** Expression without `${{ }}`. */
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly 'continue-on-error'?: boolean;
  readonly 'timeout-minutes'?: number;
}

/** A step that runs a pinned action; make one with `use`. */
export interface ActionStep extends StepFields {
  readonly uses: string;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
}

/** A step that runs shell text. It never holds a value that people choose: those come in by `env`. */
export interface RunStep extends StepFields {
  readonly run: string;
  readonly shell?: Shell;
  readonly 'working-directory'?: string;
}

export type WorkflowStep = ActionStep | RunStep;

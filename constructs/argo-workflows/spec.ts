import type { Container, PodSecurityContext, Volume } from '../../imports/k8s.ts';

/**
 * The parts of Argo Workflows that are used, typed by hand: the minimal CRDs accept anything.
 *
 * @see https://argo-workflows.readthedocs.io/en/latest/fields/
 */
export interface WorkflowSpec {
  readonly entrypoint: string;
  readonly serviceAccountName: string;
  readonly arguments?: { readonly parameters: readonly Parameter[] };
  readonly templates: readonly Template[];
  readonly volumes?: readonly Volume[];
  readonly synchronization?: Synchronization;
  /** Seconds after which the whole Workflow is ended. */
  readonly activeDeadlineSeconds: number;
  readonly ttlStrategy: { readonly secondsAfterSuccess: number; readonly secondsAfterFailure: number };
  readonly podGC: { readonly strategy: 'OnPodCompletion' | 'OnPodSuccess' };
  readonly securityContext: PodSecurityContext;
  readonly automountServiceAccountToken?: boolean;
  readonly workflowMetadata?: { readonly labels?: Readonly<Record<string, string>> };
}

export interface Parameter {
  readonly name: string;
  readonly description?: string;
  readonly value?: string;
  readonly valueFrom?: { readonly path?: string; readonly default?: string; readonly parameter?: string };
}

/** One template: a container, or a graph of other templates. */
export interface Template {
  readonly name: string;
  readonly inputs?: { readonly parameters: readonly Parameter[] };
  readonly outputs?: { readonly parameters: readonly Parameter[] };
  readonly container?: WorkflowContainer;
  readonly dag?: { readonly tasks: readonly DagTask[] };
  readonly retryStrategy?: {
    readonly limit: number;
    readonly retryPolicy: 'Always' | 'OnError' | 'OnFailure' | 'OnTransientError';
    readonly backoff: { readonly duration: string; readonly factor: number };
  };
  readonly activeDeadlineSeconds?: number;
  readonly synchronization?: Synchronization;
}

/** A container of a Workflow has no name of its own. */
export type WorkflowContainer = Omit<Container, 'name'>;

export interface DagTask {
  readonly name: string;
  readonly template: string;
  readonly dependencies?: readonly string[];
  readonly arguments?: { readonly parameters: readonly Parameter[] };
}

export interface Synchronization {
  readonly semaphores?: ReadonlyArray<{ readonly configMapKeyRef: { readonly name: string; readonly key: string } }>;
  readonly mutexes?: ReadonlyArray<{ readonly name: string }>;
}

/** What starts a Workflow of a template. */
export interface WorkflowStart {
  readonly workflowTemplateRef: { readonly name: string };
  readonly arguments: { readonly parameters: readonly Parameter[] };
}

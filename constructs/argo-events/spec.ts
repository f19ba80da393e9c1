import type { WorkflowStart } from '../argo-workflows/index.ts';

/**
 * The parts of Argo Events that are used, typed by hand: its CRDs accept anything.
 *
 * @see https://argoproj.github.io/argo-events/APIs/
 */
export interface EventBusSpec {
  readonly jetstream: {
    readonly version: string;
    readonly replicas: number;
    readonly persistence?: { readonly volumeSize: string; readonly accessMode: 'ReadWriteOnce' };
    readonly containerTemplate?: PodResources;
    readonly metricsContainerTemplate?: PodResources;
    readonly reloaderContainerTemplate?: PodResources;
    readonly securityContext?: object;
  };
}

export interface PodResources {
  readonly resources?: object;
  readonly securityContext?: object;
}

export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

export interface PodTemplate {
  readonly metadata?: { readonly labels: Readonly<Record<string, string>> };
  readonly serviceAccountName: string;
  readonly securityContext: object;
  readonly container: { readonly resources: object; readonly securityContext: object };
}

/** Either kind of endpoint that a forge calls. */
export interface EventSourceSpec {
  readonly eventBusName: string;
  readonly replicas: number;
  readonly template: PodTemplate;
  readonly github?: Readonly<Record<string, GitHubEvent>>;
  readonly webhook?: Readonly<Record<string, WebhookEvent>>;
}

export interface Endpoint {
  /** Address of the host, as callers know it. */
  readonly url: string;
  readonly endpoint: string;
  readonly port: string;
  readonly method: 'POST';
}

/** Verifies GitHub's signature of the body. Without an API token it makes no hooks itself. */
export interface GitHubEvent {
  readonly webhook: Endpoint;
  readonly events: readonly string[];
  /** Wanted by the event source's own check, also where it makes no hooks. */
  readonly organizations: readonly string[];
  readonly webhookSecret: SecretKey;
  readonly contentType: 'json';
  readonly active: boolean;
}

/** Wants `Authorization: Bearer ...` with the secret. */
export interface WebhookEvent extends Endpoint {
  readonly authSecret: SecretKey;
}

export interface SensorSpec {
  readonly eventBusName: string;
  readonly replicas: number;
  readonly template: PodTemplate;
  readonly dependencies: readonly Dependency[];
  readonly triggers: readonly Trigger[];
}

export interface Dependency {
  readonly name: string;
  readonly eventSourceName: string;
  readonly eventName: string;
  readonly filters: { readonly dataLogicalOperator: 'and'; readonly data: readonly DataFilter[] };
}

/** One value of the event that has to match (or, with `!=`, must not match) a regular expression. */
export interface DataFilter {
  readonly path: string;
  readonly type: 'string' | 'bool';
  readonly comparator: '=' | '!=';
  readonly value: readonly [string];
}

export interface Trigger {
  readonly template: {
    readonly name: string;
    readonly argoWorkflow: {
      readonly operation: 'submit';
      readonly source: {
        readonly resource: {
          readonly apiVersion: 'argoproj.io/v1alpha1';
          readonly kind: 'Workflow';
          readonly metadata: { readonly generateName: string; readonly namespace: string };
          readonly spec: WorkflowStart;
        };
      };
      readonly parameters: ReadonlyArray<{
        readonly src: { readonly dependencyName: string; readonly dataKey: string };
        readonly dest: string;
      }>;
    };
  };
  readonly retryStrategy: { readonly steps: number; readonly duration: string };
}

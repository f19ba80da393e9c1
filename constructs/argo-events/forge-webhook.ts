import { Construct } from 'constructs';
import { EventSource, Sensor } from '../../imports/argoproj.io.ts';
import {
  HttpRoute,
  HttpRouteSpecRulesMatchesMethod,
  HttpRouteSpecRulesMatchesPathType,
} from '../../imports/gateway.networking.k8s.io.ts';
import { IntOrString, KubeService } from '../../imports/k8s.ts';
import { gitOpsSuffix, noCommit } from '../../model/delivery/index.ts';
import type { ForgeKind } from '../../model/forge-url/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { AllowIngress, fromNamespace } from '../network/index.ts';
import { namespaceOf, plainData, resourceRequirements, restrictedContainer, restrictedPod } from '../workload/index.ts';
import sendPush from './send-push.sh';
import type { DataFilter, EventSourceSpec, PodTemplate, SensorSpec } from './spec.ts';

/** The gateway that lets connections in from outside. */
export interface Gateway {
  readonly name: string;
  readonly namespace: string;
  /** Namespace of the proxies that carry the connections. */
  readonly proxyNamespace: string;
}

export interface ForgeWebhookProps {
  /** Name of the forge. */
  readonly forge: string;
  readonly kind: ForgeKind;
  /** Port of the endpoint: of the event source, its Service and the route's backend. */
  readonly port: number;
  /** Path of the endpoint: of the event source, the route and the hook at the forge. */
  readonly path: string;
  /** Host name that the forge calls. */
  readonly host: string;
  /**
   * Organisations whose repositories report here. GitHub's event source wants one; it would use it to make hooks, which it has
   * no token for. @default - the forge's name, if empty
   */
  readonly organisations: readonly string[];
  readonly gateway: Gateway;
  /** WorkflowTemplate that is started for a push. */
  readonly dispatcher: { readonly name: string; readonly parameters: readonly PushParameter[] };
  /** ServiceAccounts of the two pods. */
  readonly accounts: { readonly eventSource: string; readonly sensor: string };
  readonly eventBus: string;
  /** Names of users whose pushes start nothing: delivery's own. */
  readonly ownPushers: readonly string[];
  /** @default 2 */
  readonly replicas?: number;
}

/** The parameters that every forge's push is told in. */
export const pushParameters = ['forge', 'url', 'ref', 'revision'] as const;
export type PushParameter = (typeof pushParameters)[number];

/** Where one product says what in the event that the event source makes of its call. */
interface Dialect {
  readonly values: Readonly<Record<Exclude<PushParameter, 'forge'>, string>>;
  readonly filters: (props: ForgeWebhookProps) => readonly DataFilter[];
}

const matches = (path: string, expression: string): DataFilter => ({
  path,
  type: 'string',
  comparator: '=',
  value: [expression],
});
const differs = (path: string, expression: string): DataFilter => ({
  path,
  type: 'string',
  comparator: '!=',
  value: [expression],
});
const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const exactly = (names: readonly string[]) => `^(${names.map(literal).join('|')})$`;

const gitHub: Dialect = {
  values: { url: 'body.repository.clone_url', ref: 'body.ref', revision: 'body.after' },
  filters: ({ ownPushers }) => [
    matches('headers.X-Github-Event.0', '^push$'),
    matches('body.ref', '^refs/(heads|tags)/'),
    matches('body.after', '^[0-9a-f]{40}$'),
    differs('body.after', `^${noCommit}$`),
    differs('body.repository.name', `${literal(gitOpsSuffix)}$`),
    differs('body.pusher.name', exactly(ownPushers)),
  ],
};

const azure: Dialect = {
  values: {
    url: 'body.resource.repository.remoteUrl',
    ref: 'body.resource.refUpdates.0.name',
    revision: 'body.resource.refUpdates.0.newObjectId',
  },
  filters: ({ ownPushers }) => [
    matches('body.eventType', '^git\\.push$'),
    matches('body.resource.refUpdates.0.name', '^refs/(heads|tags)/'),
    matches('body.resource.refUpdates.0.newObjectId', '^[0-9a-f]{40}$'),
    differs('body.resource.refUpdates.0.newObjectId', `^${noCommit}$`),
    differs('body.resource.repository.name', `${literal(gitOpsSuffix)}$`),
    differs('body.resource.pushedBy.uniqueName', exactly(ownPushers)),
  ],
};

const dialects: Readonly<Record<ForgeKind, Dialect>> = {
  github: gitHub,
  'azure-devops': azure,
  'azure-devops-server': azure,
};

/** A script that reports a push as a forge would, to try a webhook out. */
export const sendPushScript: string = sendPush;

/** The event's name inside the event source. */
const eventName = 'push';

/**
 * Everything between a forge's webhook and the dispatcher: event source, Service, route and sensor, from one port, one path
 * and one secret. Only pushes of commits to other repositories than those with overlays pass the sensor.
 */
export class ForgeWebhook extends Construct {
  /** What the forge has to call. */
  readonly url: string;
  /** What the forge signs with or sends along. */
  readonly secret: SecretRef;
  /** Service of the event source. */
  readonly service: string;

  constructor(scope: Construct, id: string, props: ForgeWebhookProps) {
    super(scope, id);
    if (!/^(\/[a-z0-9-]+)+$/.test(props.path)) {
      throw new Error(
        `webhook of ${props.forge}: ${JSON.stringify(props.path)} is no path; write it like /github/push`,
      );
    }
    this.url = `https://${props.host}${props.path}`;
    this.service = `${props.forge}-webhook`;
    this.secret = {
      namespace: namespaceOf(this),
      name: `webhook-${props.forge}`,
      keys: ['secret'],
      provenance: 'generated',
      purpose: `proves that a push was reported by ${props.forge}`,
    };
    this.addEventSource(props);
    this.addService(props);
    this.addRoute(props);
    this.addSensor(props);
    new AllowIngress(this, 'Gateway', {
      name: this.service,
      to: this.podLabels(props),
      ways: [{ from: [fromNamespace(props.gateway.proxyNamespace)], ports: [props.port] }],
    });
  }

  private podLabels(props: ForgeWebhookProps): Readonly<Record<string, string>> {
    return { 'app.kubernetes.io/name': `webhook-${props.forge}` };
  }

  private addEventSource(props: ForgeWebhookProps): void {
    const endpoint = {
      url: `https://${props.host}`,
      endpoint: props.path,
      port: String(props.port),
      method: 'POST',
    } as const;
    const key = { name: this.secret.name, key: 'secret' };
    const source =
      props.kind === 'github'
        ? {
            github: {
              [eventName]: {
                webhook: endpoint,
                events: ['push'],
                organizations: props.organisations.length > 0 ? [...props.organisations] : [props.forge],
                webhookSecret: key,
                contentType: 'json',
                active: true,
              } as const,
            },
          }
        : { webhook: { [eventName]: { ...endpoint, authSecret: key } } };
    const spec: EventSourceSpec = {
      eventBusName: props.eventBus,
      replicas: props.replicas ?? 2,
      template: podTemplate(props.accounts.eventSource, this.podLabels(props)),
      ...source,
    };
    new EventSource(this, 'EventSource', { metadata: { name: props.forge }, spec: plainData(spec) });
  }

  private addService(props: ForgeWebhookProps): void {
    new KubeService(this, 'Service', {
      metadata: { name: this.service },
      spec: {
        type: 'ClusterIP',
        selector: { ...this.podLabels(props) },
        ports: [{ name: 'http', port: props.port, targetPort: IntOrString.fromNumber(props.port), protocol: 'TCP' }],
      },
    });
  }

  private addRoute(props: ForgeWebhookProps): void {
    new HttpRoute(this, 'Route', {
      metadata: { name: this.service },
      spec: {
        parentRefs: [{ name: props.gateway.name, namespace: props.gateway.namespace }],
        hostnames: [props.host],
        rules: [
          {
            matches: [
              {
                path: { type: HttpRouteSpecRulesMatchesPathType.EXACT, value: props.path },
                method: HttpRouteSpecRulesMatchesMethod.POST,
              },
            ],
            backendRefs: [{ name: this.service, port: props.port }],
          },
        ],
      },
    });
  }

  private addSensor(props: ForgeWebhookProps): void {
    const dialect = dialects[props.kind];
    const { dispatcher, forge } = props;
    const missing = pushParameters.filter((name) => !dispatcher.parameters.includes(name));
    if (missing.length > 0)
      throw new Error(`webhook of ${forge}: ${dispatcher.name} has no parameter ${missing.join(', ')}`);
    const spec: SensorSpec = {
      eventBusName: props.eventBus,
      replicas: 1,
      template: podTemplate(props.accounts.sensor, { 'app.kubernetes.io/name': `sensor-${forge}` }),
      dependencies: [
        {
          name: eventName,
          eventSourceName: forge,
          eventName,
          filters: { dataLogicalOperator: 'and', data: dialect.filters(props) },
        },
      ],
      triggers: [
        {
          template: {
            name: 'dispatch',
            argoWorkflow: {
              operation: 'submit',
              source: {
                resource: {
                  apiVersion: 'argoproj.io/v1alpha1',
                  kind: 'Workflow',
                  metadata: { generateName: `dispatch-${forge}-`, namespace: namespaceOf(this) },
                  spec: {
                    workflowTemplateRef: { name: dispatcher.name },
                    // Each has a value, so that it can be found by its name below.
                    arguments: {
                      parameters: pushParameters.map((name) => ({ name, value: name === 'forge' ? forge : '' })),
                    },
                  },
                },
              },
              parameters: Object.entries(dialect.values).map(([name, dataKey]) => ({
                src: { dependencyName: eventName, dataKey },
                dest: `spec.arguments.parameters.#(name=="${name}").value`,
              })),
            },
          },
          retryStrategy: { steps: 5, duration: '10s' },
        },
      ],
    };
    new Sensor(this, 'Sensor', { metadata: { name: forge }, spec: plainData(spec) });
  }
}

function podTemplate(serviceAccountName: string, labels: Readonly<Record<string, string>>): PodTemplate {
  return {
    metadata: { labels: { ...labels } },
    serviceAccountName,
    securityContext: restrictedPod({ uid: 9731 }),
    container: {
      resources: resourceRequirements({ cpu: '20m', memory: '64Mi', memoryLimit: '128Mi' }),
      securityContext: restrictedContainer(),
    },
  };
}

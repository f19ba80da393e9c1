import { Construct } from 'constructs';
import {
  type EnvVar,
  IntOrString,
  KubeDeployment,
  KubeService,
  KubeServiceAccount,
  type Probe,
  Quantity,
} from '../../imports/k8s.ts';
import { type Resources, resourceRequirements, restrictedContainer, restrictedPod } from '../workload/index.ts';

/** A variable that is filled from a Secret. */
export interface SecretVariable {
  readonly secret: string;
  /** @default the name of the variable */
  readonly key?: string;
  /** The service starts without it. @default false */
  readonly optional?: boolean;
}

export interface ServiceDeploymentProps {
  /** Name of the Deployment. */
  readonly name: string;
  /** Name of the Service. @default the name of the Deployment */
  readonly serviceName?: string;
  /** Whole image reference. */
  readonly image: string;
  /** Port that it listens on, and answers probes on. */
  readonly port: number;
  /** Path that answers when it is well. */
  readonly health: string;
  /** Seconds that a start may take, for example to load a model. @default 120 */
  readonly startSeconds?: number;
  readonly resources: Resources;
  /** Variables with fixed values, all of them text. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** @default none */
  readonly secrets?: Readonly<Record<string, SecretVariable>>;
  /** Secrets with the log-in to the registry. @default none: the images are public */
  readonly imagePullSecrets?: readonly string[];
  /** User that it runs as. @default 10001 */
  readonly uid?: number;
  /** Size of its only writable folder, /tmp, which is also its home; for example for models. @default '1Gi' */
  readonly temporary?: string;
}

const portName = 'http';

/**
 * One service of an application: Deployment and Service. Its probes ask the service itself; the port
 * stands once, and container, Service and probes use its name.
 */
export class ServiceDeployment extends Construct {
  readonly name: string;
  /** Labels of its pods. */
  readonly labels: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: ServiceDeploymentProps) {
    super(scope, id);
    this.name = props.name;
    this.labels = serviceLabels(props.name);
    new KubeServiceAccount(this, 'Account', {
      metadata: { name: props.name },
      automountServiceAccountToken: false,
      imagePullSecrets: props.imagePullSecrets?.map((name) => ({ name })),
    });
    this.deployment(props);
    new KubeService(this, 'Service', {
      metadata: { name: props.serviceName ?? props.name },
      spec: {
        type: 'ClusterIP',
        selector: { ...this.labels },
        ports: [{ name: portName, port: props.port, targetPort: IntOrString.fromString(portName), protocol: 'TCP' }],
      },
    });
  }

  private deployment(props: ServiceDeploymentProps): void {
    const temporary = Quantity.fromString(props.temporary ?? '1Gi');
    new KubeDeployment(this, 'Deployment', {
      metadata: { name: props.name },
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        selector: { matchLabels: { ...this.labels } },
        template: {
          metadata: { labels: { ...this.labels } },
          spec: {
            serviceAccountName: props.name,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            imagePullSecrets: props.imagePullSecrets?.map((name) => ({ name })),
            securityContext: restrictedPod({ uid: props.uid ?? 10001 }),
            containers: [
              {
                name: props.name,
                image: props.image,
                env: variables(props),
                ports: [{ name: portName, containerPort: props.port, protocol: 'TCP' }],
                resources: resourceRequirements({ ...props.resources, disk: props.temporary ?? '1Gi' }),
                securityContext: restrictedContainer(),
                startupProbe: probe(props, 10, Math.ceil((props.startSeconds ?? 120) / 10)),
                livenessProbe: probe(props, 20, 5),
                readinessProbe: probe(props, 10, 3),
                volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
              },
            ],
            volumes: [{ name: 'tmp', emptyDir: { sizeLimit: temporary } }],
          },
        },
      },
    });
  }
}

/** Labels that select the pods of a service. The label `app` is the one that people use with kubectl. */
export function serviceLabels(name: string): Readonly<Record<string, string>> {
  return { app: name };
}

function variables(props: ServiceDeploymentProps): EnvVar[] {
  return [
    { name: 'HOME', value: '/tmp' },
    ...Object.entries(props.environment ?? {}).map(([name, value]) => ({ name, value })),
    ...Object.entries(props.secrets ?? {}).map(([name, { secret, key, optional }]) => ({
      name,
      valueFrom: { secretKeyRef: { name: secret, key: key ?? name, ...(optional ? { optional } : {}) } },
    })),
  ];
}

function probe(props: ServiceDeploymentProps, periodSeconds: number, failureThreshold: number): Probe {
  return {
    httpGet: { path: props.health, port: IntOrString.fromString(portName) },
    periodSeconds,
    timeoutSeconds: 10,
    failureThreshold,
  };
}

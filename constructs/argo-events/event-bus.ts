import { Construct } from 'constructs';
import { EventBus } from '../../imports/argoproj.io.ts';
import { AllowIngress, fromSameNamespace } from '../network/index.ts';
import { plainData, resourceRequirements, restrictedContainer, restrictedPod } from '../workload/index.ts';
import type { EventBusSpec } from './spec.ts';

export interface DeliveryBusProps {
  /** @default 'default', the one that event sources and sensors use by themselves */
  readonly name?: string;
  /** Version that the controller's own configuration knows. */
  readonly version: string;
  /** @default 3: the smallest number that survives the loss of one */
  readonly replicas?: number;
  /** @default '1Gi' */
  readonly size?: string;
}

/** The event bus of a namespace, on JetStream with a volume: an event that a forge was thanked for is not lost by a restart. */
export class DeliveryBus extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DeliveryBusProps) {
    super(scope, id);
    this.name = props.name ?? 'default';
    const container = {
      resources: resourceRequirements({ cpu: '50m', memory: '64Mi', memoryLimit: '256Mi' }),
      securityContext: restrictedContainer(),
    };
    const spec: EventBusSpec = {
      jetstream: {
        version: props.version,
        replicas: props.replicas ?? 3,
        persistence: { volumeSize: props.size ?? '1Gi', accessMode: 'ReadWriteOnce' },
        securityContext: restrictedPod({ uid: 1000, fsGroup: 1000 }),
        containerTemplate: container,
        metricsContainerTemplate: container,
        reloaderContainerTemplate: container,
      },
    };
    new EventBus(this, 'Bus', { metadata: { name: this.name }, spec: plainData(spec) });
    new AllowIngress(this, 'Clients', {
      name: `eventbus-${this.name}`,
      to: { controller: 'eventbus-controller', 'eventbus-name': this.name },
      ways: [{ from: [fromSameNamespace()], ports: [4222, 6222, 8222] }],
    });
  }
}

import { Construct } from 'constructs';
import { KubeLimitRange, KubeResourceQuota, Quantity } from '../../imports/k8s.ts';

/** What all pods of a namespace may ask for together. */
export interface Quota {
  /** CPU of all pods, for example `4`. */
  readonly cpu: string;
  readonly memory: string;
  readonly pods: number;
  /** Size of all volumes. */
  readonly storage: string;
}

/** A namespace's quota, and what a container gets that asks for nothing: without it a quota would refuse the pod. */
export class TenantLimits extends Construct {
  constructor(scope: Construct, id: string, quota: Quota) {
    super(scope, id);
    const quantity = Quantity.fromString;
    new KubeResourceQuota(this, 'Quota', {
      metadata: { name: 'tenant' },
      spec: {
        hard: {
          'requests.cpu': quantity(quota.cpu),
          'requests.memory': quantity(quota.memory),
          'limits.memory': quantity(quota.memory),
          'requests.storage': quantity(quota.storage),
          pods: Quantity.fromNumber(quota.pods),
          'services.loadbalancers': Quantity.fromNumber(0),
          'services.nodeports': Quantity.fromNumber(0),
        },
      },
    });
    new KubeLimitRange(this, 'Limits', {
      metadata: { name: 'tenant' },
      spec: {
        limits: [
          {
            type: 'Container',
            defaultRequest: { cpu: quantity('50m'), memory: quantity('128Mi') },
            default: { memory: quantity('256Mi') },
          },
        ],
      },
    });
  }
}

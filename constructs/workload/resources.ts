import { Quantity, type ResourceRequirements } from '../../imports/k8s.ts';

/** What a container asks for and may use at most. */
export interface Resources {
  /** CPU it is scheduled with, for example `100m`. */
  readonly cpu: string;
  /** Memory it is scheduled with, for example `128Mi`. */
  readonly memory: string;
  /** CPU at most. @default - no limit: a busy container takes idle CPU, and its request keeps it alive when there is none */
  readonly cpuLimit?: string;
  /** Memory at most; beyond it the container is killed. @default - as `memory` */
  readonly memoryLimit?: string;
  /** Disk for logs, temporary files and the writable layer, asked for and at most. @default '256Mi' */
  readonly disk?: string;
}

/** The `resources` of a container. */
export function resourceRequirements(resources: Resources): ResourceRequirements {
  const disk = Quantity.fromString(resources.disk ?? '256Mi');
  return {
    requests: {
      cpu: Quantity.fromString(resources.cpu),
      memory: Quantity.fromString(resources.memory),
      'ephemeral-storage': disk,
    },
    limits: {
      ...(resources.cpuLimit ? { cpu: Quantity.fromString(resources.cpuLimit) } : {}),
      memory: Quantity.fromString(resources.memoryLimit ?? resources.memory),
      'ephemeral-storage': disk,
    },
  };
}

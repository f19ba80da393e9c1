import { Construct } from 'constructs';
import {
  IntOrString,
  KubeLimitRange,
  KubePodDisruptionBudget,
  KubeRole,
  KubeRoleBinding,
  KubeServiceAccount,
  Quantity,
} from '../../imports/k8s.ts';
import { AllowIngress, DefaultDeny, fromSameNamespace } from '../network/index.ts';
import { stepLabels, woodpeckerNames } from './names.ts';

/** Why the step namespace is not restricted; for its Namespace. */
export const privilegedStepsReason =
  'image builds run a Docker daemon in their pod, which needs privileges; a policy lets only the build plugin have them';

export interface WoodpeckerStepsProps {
  /** Service account of the agents, in the agents' namespace. */
  readonly agent: { readonly namespace: string; readonly name: string };
  /** What a step's container gets that asks for nothing. @default 200m CPU, 512Mi memory, at most 2 CPU and 2Gi */
  readonly defaultResources?: StepResources;
  /** Ports between the pods of a pipeline (its services). @default - no connections between steps */
  readonly servicePorts?: readonly number[];
}

/** Requests and limits of a container. */
export interface StepResources {
  readonly cpu: string;
  readonly memory: string;
  readonly cpuLimit: string;
  readonly memoryLimit: string;
}

/**
 * The namespace that step pods run in: what the agents may do there, limits for steps that ask for none, no API token for steps,
 * no way in, and no voluntary eviction: Woodpecker takes an evicted step for one that succeeded.
 *
 * The chart's namespace is the steps' one.
 */
export class WoodpeckerSteps extends Construct {
  constructor(scope: Construct, id: string, props: WoodpeckerStepsProps) {
    super(scope, id);
    new KubeServiceAccount(this, 'DefaultAccount', {
      metadata: { name: 'default' },
      automountServiceAccountToken: false,
    });
    this.addAgentRole(props);
    this.addLimits(props.defaultResources ?? { cpu: '200m', memory: '512Mi', cpuLimit: '2', memoryLimit: '2Gi' });
    new KubePodDisruptionBudget(this, 'NoEviction', {
      metadata: { name: 'running-steps' },
      spec: {
        // Step pods have no controller; a plain number works for them, and none is ever reached.
        minAvailable: IntOrString.fromNumber(1000),
        selector: { matchExpressions: [{ key: stepLabels.task, operator: 'Exists' }] },
      },
    });
    new DefaultDeny(this, 'NoWayIn');
    if (props.servicePorts?.length) {
      new AllowIngress(this, 'Services', {
        name: 'pipeline-services',
        to: {},
        ways: [{ from: [fromSameNamespace()], ports: props.servicePorts }],
      });
    }
  }

  /** Exactly the calls that the agent makes (R26.2): no update, no exec, no reading of Secrets. */
  private addAgentRole(props: WoodpeckerStepsProps): void {
    const name = woodpeckerNames.agent;
    new KubeRole(this, 'AgentRole', {
      metadata: { name },
      rules: [
        { apiGroups: [''], resources: ['pods'], verbs: ['create', 'delete', 'get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
        { apiGroups: [''], resources: ['persistentvolumeclaims', 'services', 'secrets'], verbs: ['create', 'delete'] },
      ],
    });
    new KubeRoleBinding(this, 'AgentRoleBinding', {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', namespace: props.agent.namespace, name: props.agent.name }],
    });
  }

  /**
   * CPU and memory only: an image build keeps its layers in its own file system, and a pod over a limit of disk is evicted,
   * which Woodpecker takes for a success.
   */
  private addLimits({ cpu, memory, cpuLimit, memoryLimit }: StepResources): void {
    new KubeLimitRange(this, 'Limits', {
      metadata: { name: 'steps' },
      spec: {
        limits: [
          {
            type: 'Container',
            defaultRequest: { cpu: Quantity.fromString(cpu), memory: Quantity.fromString(memory) },
            default: { cpu: Quantity.fromString(cpuLimit), memory: Quantity.fromString(memoryLimit) },
          },
          { type: 'PersistentVolumeClaim', max: { storage: Quantity.fromString('50Gi') } },
        ],
      },
    });
  }
}

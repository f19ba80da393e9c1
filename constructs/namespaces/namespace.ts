import { Construct } from 'constructs';
import { KubeNamespace } from '../../imports/k8s.ts';
import type { CheckException } from '../workload/index.ts';

/** Levels of the Pod Security Standards, from strict to open. */
export type PodSecurityLevel = 'restricted' | 'baseline' | 'privileged';

export interface NamespaceProps {
  readonly name: string;
  /** What pods in it may do. @default 'restricted' */
  readonly podSecurity?: PodSecurityLevel;
  /** Why the level is not `restricted`; required then, and written on the namespace. @default - none */
  readonly reason?: string;
  /** Further labels. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** Further annotations. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * A namespace with its Pod Security level. A level below `restricted` is enforced too and warned about, with its reason.
 *
 * @throws if the level is not `restricted` and no reason is given
 */
export class Namespace extends Construct {
  /** The exceptions that `npm run check` has to know of; empty for `restricted`. */
  readonly exceptions: readonly CheckException[];

  constructor(scope: Construct, id: string, props: NamespaceProps) {
    super(scope, id);
    const level = props.podSecurity ?? 'restricted';
    if (level !== 'restricted' && !props.reason) {
      throw new Error(
        `namespace ${props.name}: the Pod Security level ${level} needs a reason; say why, or use restricted`,
      );
    }
    this.exceptions =
      level === 'restricted'
        ? []
        : [{ check: 'pod-security', object: `Namespace/${props.name}`, reason: props.reason ?? '' }];
    new KubeNamespace(this, 'Namespace', {
      metadata: {
        name: props.name,
        labels: {
          'pod-security.kubernetes.io/enforce': level,
          'pod-security.kubernetes.io/audit': level,
          'pod-security.kubernetes.io/warn': level,
          ...props.labels,
        },
        annotations: {
          ...(props.reason ? { 'pipelines.celestium.life/pod-security-reason': props.reason } : {}),
          ...props.annotations,
        },
      },
    });
  }
}

import { Construct } from 'constructs';
import { KubeNetworkPolicy, type NetworkPolicyIngressRule } from '../../imports/k8s.ts';
import { type Peer, tcpPort } from './peers.ts';

export interface DefaultDenyProps {
  /** @default 'default-deny-ingress' */
  readonly name?: string;
}

/** Nothing may connect to a pod of the chart's namespace unless another policy lets it (R28.5). Outgoing connections stay free. */
export class DefaultDeny extends Construct {
  constructor(scope: Construct, id: string, props: DefaultDenyProps = {}) {
    super(scope, id);
    new KubeNetworkPolicy(this, 'Policy', {
      metadata: { name: props.name ?? 'default-deny-ingress' },
      spec: { podSelector: {}, policyTypes: ['Ingress'] },
    });
  }
}

/** One way in. */
export interface WayIn {
  /** Who may connect; any of them. */
  readonly from: readonly Peer[];
  /** Container ports, numbers or names. */
  readonly ports: ReadonlyArray<number | string>;
}

export interface AllowIngressProps {
  readonly name: string;
  /** Labels of the pods that are connected to. An empty object means every pod of the namespace. */
  readonly to: Readonly<Record<string, string>>;
  readonly ways: readonly WayIn[];
}

/**
 * Lets connections in to some pods of the chart's namespace.
 *
 * @throws on a way without source or port: Kubernetes reads an empty list as "everything"
 */
export class AllowIngress extends Construct {
  constructor(scope: Construct, id: string, props: AllowIngressProps) {
    super(scope, id);
    new KubeNetworkPolicy(this, 'Policy', {
      metadata: { name: props.name },
      spec: {
        // An empty list of labels is not stored: written down, it would be a difference for ever.
        podSelector: Object.keys(props.to).length === 0 ? {} : { matchLabels: { ...props.to } },
        policyTypes: ['Ingress'],
        ingress: props.ways.map((way) => ingressRule(props.name, way)),
      },
    });
  }
}

function ingressRule(policy: string, way: WayIn): NetworkPolicyIngressRule {
  if (way.from.length === 0 || way.ports.length === 0) {
    throw new Error(
      `network policy ${policy}: a way in needs a source and a port; an empty list would let everything in`,
    );
  }
  const ports = way.ports.map(tcpPort);
  const peers = way.from.flatMap((source) => ('peer' in source ? [source.peer] : []));
  // A source "anywhere" swallows the others; it is written as a rule without `from`.
  return peers.length < way.from.length ? { ports } : { from: peers, ports };
}

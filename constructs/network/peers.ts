import { IntOrString, type NetworkPolicyPeer, type NetworkPolicyPort } from '../../imports/k8s.ts';

/** Where a connection comes from. */
export type Peer = { readonly anywhere: true } | { readonly peer: NetworkPolicyPeer };

const namespaceLabel = 'kubernetes.io/metadata.name';

/** Pods of the policy's own namespace. */
export function fromPods(labels: Readonly<Record<string, string>>): Peer {
  return { peer: { podSelector: { matchLabels: { ...labels } } } };
}

/** Every pod of the policy's own namespace. */
export function fromSameNamespace(): Peer {
  return { peer: { podSelector: {} } };
}

/** Pods of another namespace: all of them, or those with these labels. */
export function fromNamespace(namespace: string, podLabels?: Readonly<Record<string, string>>): Peer {
  return {
    peer: {
      namespaceSelector: { matchLabels: { [namespaceLabel]: namespace } },
      ...(podLabels ? { podSelector: { matchLabels: { ...podLabels } } } : {}),
    },
  };
}

/** Where Traefik runs. */
export interface TraefikLocation {
  /** @default 'kube-system', where k3s puts it */
  readonly namespace?: string;
  /** Labels of its pods. @default { 'app.kubernetes.io/name': 'traefik' } */
  readonly podLabels?: Readonly<Record<string, string>>;
}

/** The Traefik ingress controller. */
export function fromTraefik(location: TraefikLocation = {}): Peer {
  return fromNamespace(
    location.namespace ?? 'kube-system',
    location.podLabels ?? { 'app.kubernetes.io/name': 'traefik' },
  );
}

/** An address range outside the pod network, for example the nodes. */
export function fromRange(cidr: string): Peer {
  return { peer: { ipBlock: { cidr } } };
}

/** Anywhere, also the nodes: an API server that calls a webhook arrives from a node's address. */
export function fromAnywhere(): Peer {
  return { anywhere: true };
}

/** A TCP port of the pods: the container's number or its name, never the Service's. */
export function tcpPort(port: number | string): NetworkPolicyPort {
  return {
    protocol: 'TCP',
    port: typeof port === 'number' ? IntOrString.fromNumber(port) : IntOrString.fromString(port),
  };
}

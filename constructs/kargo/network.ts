import { Construct } from 'constructs';
import {
  AllowIngress,
  DefaultDeny,
  fromAnywhere,
  fromPods,
  fromTraefik,
  type Peer,
  type TraefikLocation,
} from '../network/index.ts';

/** Labels of the pods of the official chart. */
export function kargoPods(component: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': 'kargo', 'app.kubernetes.io/component': component };
}

export interface KargoNetworkProps {
  /** Where the ingress controller runs. @default - Traefik in kube-system */
  readonly traefik?: TraefikLocation;
  /** Who else may call Kargo's API, for example the promotion desk. @default - nobody */
  readonly apiClients?: readonly Peer[];
  /** Who else may call the receiver of web hooks, for example build pods. @default - nobody */
  readonly webhookClients?: readonly Peer[];
  /** Whether Kargo's own Dex runs. @default true */
  readonly dex?: boolean;
}

/** Closes Kargo's namespace, and opens exactly what is needed. */
export class KargoNetwork extends Construct {
  constructor(scope: Construct, id: string, props: KargoNetworkProps = {}) {
    super(scope, id);
    const traefik = fromTraefik(props.traefik);
    new DefaultDeny(this, 'DefaultDeny');
    new AllowIngress(this, 'Api', {
      name: 'kargo-api',
      to: kargoPods('api'),
      ways: [{ from: [traefik, ...(props.apiClients ?? [])], ports: [8080] }],
    });
    new AllowIngress(this, 'ExternalWebhooks', {
      name: 'kargo-external-webhooks',
      to: kargoPods('external-webhooks-server'),
      ways: [{ from: [traefik, ...(props.webhookClients ?? [])], ports: [8080] }],
    });
    // The API server calls admission web hooks from the address of a node.
    new AllowIngress(this, 'AdmissionWebhooks', {
      name: 'kargo-admission-webhooks',
      to: kargoPods('kubernetes-webhooks-server'),
      ways: [{ from: [fromAnywhere()], ports: [9443] }],
    });
    if (props.dex ?? true) {
      new AllowIngress(this, 'Dex', {
        name: 'kargo-dex',
        to: kargoPods('dex-server'),
        ways: [{ from: [fromPods(kargoPods('api'))], ports: [5556] }],
      });
    }
  }
}

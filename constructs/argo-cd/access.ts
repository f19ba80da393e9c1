import { Construct } from 'constructs';
import { SecureIngress } from '../ingress/index.ts';
import { AllowIngress, DefaultDeny, fromPods, fromTraefik, type Peer, type TraefikLocation } from '../network/index.ts';
import { argoCdService } from './names.ts';

export interface ArgoCdIngressProps {
  /** Host of the web UI. R11.3 */
  readonly host: string;
  /** @default 'ca-issuer' */
  readonly clusterIssuer?: string;
  /** @default 'traefik' */
  readonly ingressClass?: string;
}

/** The web UI over TLS by Traefik, with a certificate of the cluster's issuer. R11.3 */
export class ArgoCdIngress extends Construct {
  /** `https://<host>`. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: ArgoCdIngressProps) {
    super(scope, id);
    const ingress = new SecureIngress(this, 'Ingress', {
      name: 'argocd-server',
      host: props.host,
      routes: [{ service: argoCdService.name, port: argoCdService.port }],
      tlsSecretName: 'argocd-server-tls',
      clusterIssuer: props.clusterIssuer,
      ingressClass: props.ingressClass,
    });
    this.url = ingress.url;
  }
}

/** Labels of the pods of the official chart. */
export function argoCdPods(component: 'application-controller' | 'server' | 'repo-server' | 'redis') {
  return { 'app.kubernetes.io/name': `argocd-${component}` };
}

export interface ArgoCdNetworkProps {
  /** Where the ingress controller runs. @default - Traefik in kube-system */
  readonly traefik?: TraefikLocation;
  /** Who else may call the web UI and its API. @default - nobody */
  readonly serverClients?: readonly Peer[];
}

/** Closes Argo CD's namespace, and opens exactly what is needed. */
export class ArgoCdNetwork extends Construct {
  constructor(scope: Construct, id: string, props: ArgoCdNetworkProps = {}) {
    super(scope, id);
    const [controller, server, repoServer] = (['application-controller', 'server', 'repo-server'] as const).map(
      (component) => fromPods(argoCdPods(component)),
    ) as [Peer, Peer, Peer];
    new DefaultDeny(this, 'DefaultDeny');
    new AllowIngress(this, 'Server', {
      name: 'argocd-server',
      to: argoCdPods('server'),
      ways: [{ from: [fromTraefik(props.traefik), ...(props.serverClients ?? [])], ports: [8080] }],
    });
    new AllowIngress(this, 'RepoServer', {
      name: 'argocd-repo-server',
      to: argoCdPods('repo-server'),
      ways: [{ from: [controller, server], ports: [8081] }],
    });
    new AllowIngress(this, 'Redis', {
      name: 'argocd-redis',
      to: argoCdPods('redis'),
      ways: [{ from: [controller, server, repoServer], ports: [6379] }],
    });
  }
}

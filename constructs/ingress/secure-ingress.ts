import { Construct } from 'constructs';
import { type HttpIngressPath, KubeIngress, type ServiceBackendPort } from '../../imports/k8s.ts';
import { Middleware } from '../../imports/traefik.io.ts';
import { namespaceOf } from '../workload/index.ts';

/** Where one path of the host goes. */
export interface Route {
  /** @default '/' */
  readonly path?: string;
  /** `Prefix` matches whole path elements, `Exact` the path alone. @default 'Prefix' */
  readonly match?: 'Prefix' | 'Exact';
  /** Service in the chart's namespace. */
  readonly service: string;
  /** The Service's port, number or name. */
  readonly port: number | string;
}

export interface SecureIngressProps {
  /** Name of the Ingress. */
  readonly name: string;
  /** Fully qualified host name. */
  readonly host: string;
  /** At least one; Traefik takes the longest path that matches. */
  readonly routes: readonly Route[];
  /** Secret that cert-manager writes the certificate to. @default - name + `-tls` */
  readonly tlsSecretName?: string;
  /** cert-manager ClusterIssuer (R11.3, R28.1). @default 'ca-issuer' */
  readonly clusterIssuer?: string;
  /** @default 'traefik' */
  readonly ingressClass?: string;
  /** Answers plain HTTP with a redirect to HTTPS. @default true */
  readonly redirectHttp?: boolean;
  /** Further annotations of the HTTPS Ingress. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * A host served over TLS by Traefik, with a certificate from cert-manager. Plain HTTP is never forwarded: it is redirected, or
 * left without a route.
 *
 * @throws if there is no route, or two for one path
 */
export class SecureIngress extends Construct {
  /** `https://<host>`. */
  readonly url: string;
  readonly tlsSecretName: string;

  constructor(scope: Construct, id: string, props: SecureIngressProps) {
    super(scope, id);
    refuseBadRoutes(props);
    this.url = `https://${props.host}`;
    this.tlsSecretName = props.tlsSecretName ?? `${props.name}-tls`;
    this.addSecure(props);
    if (props.redirectHttp ?? true) this.addRedirect(props);
  }

  private addSecure(props: SecureIngressProps): void {
    new KubeIngress(this, 'Ingress', {
      metadata: {
        name: props.name,
        annotations: {
          'cert-manager.io/cluster-issuer': props.clusterIssuer ?? 'ca-issuer',
          'traefik.ingress.kubernetes.io/router.entrypoints': 'websecure',
          'traefik.ingress.kubernetes.io/router.tls': 'true',
          ...props.annotations,
        },
      },
      spec: {
        ingressClassName: props.ingressClass ?? 'traefik',
        tls: [{ hosts: [props.host], secretName: this.tlsSecretName }],
        rules: [{ host: props.host, http: { paths: props.routes.map(ingressPath) } }],
      },
    });
  }

  /** A second Ingress on the HTTP entry point; its backend is never reached. */
  private addRedirect(props: SecureIngressProps): void {
    const name = `${props.name}-redirect`;
    new Middleware(this, 'Redirect', {
      metadata: { name },
      spec: { redirectScheme: { scheme: 'https', permanent: true } },
    });
    new KubeIngress(this, 'HttpIngress', {
      metadata: {
        name,
        annotations: {
          'traefik.ingress.kubernetes.io/router.entrypoints': 'web',
          'traefik.ingress.kubernetes.io/router.middlewares': `${namespaceOf(this)}-${name}@kubernetescrd`,
        },
      },
      spec: {
        ingressClassName: props.ingressClass ?? 'traefik',
        rules: [
          {
            host: props.host,
            http: { paths: props.routes.slice(0, 1).map((route) => ingressPath({ ...route, path: '/' })) },
          },
        ],
      },
    });
  }
}

function ingressPath(route: Route): HttpIngressPath {
  const port: ServiceBackendPort = typeof route.port === 'number' ? { number: route.port } : { name: route.port };
  return {
    path: route.path ?? '/',
    pathType: route.match ?? 'Prefix',
    backend: { service: { name: route.service, port } },
  };
}

function refuseBadRoutes({ name, routes }: SecureIngressProps): void {
  if (routes.length === 0) throw new Error(`ingress ${name} has no route; name the Service that answers`);
  const paths = routes.map((route) => `${route.match ?? 'Prefix'} ${route.path ?? '/'}`);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice) throw new Error(`ingress ${name} has two routes for ${twice}; keep one`);
}

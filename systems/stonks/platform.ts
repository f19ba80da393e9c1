import { ArgoCdIngress, ArgoCdNetwork, argoCdValues } from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { deskPods } from '../../constructs/desk/index.ts';
import { type ForgeLogin, KargoNetwork, kargoSecretName, kargoValues } from '../../constructs/kargo/index.ts';
import { fromNamespace, fromPods } from '../../constructs/network/index.ts';
import type { Image } from '../../model/image.ts';

/** Argo CD and Kargo as both Stonks Oracle systems install them. */
export interface PlatformFacts {
  readonly hosts: { readonly argoCd: string; readonly kargo: string };
  readonly ingress: {
    readonly className: string;
    readonly clusterIssuer: string;
    readonly controllerNamespace: string;
  };
  readonly namespaces: { readonly argoCd: string; readonly kargo: string };
  readonly images: { readonly argoCd: Image; readonly redis: Image; readonly kargo: Image };
  readonly login?: ForgeLogin;
  /** Whether the forge has no TLS, so that credentials travel over plain HTTP. */
  readonly credentialsOverHttp: boolean;
  /** Author of promotions' commits. */
  readonly author: { readonly name: string; readonly email: string };
  /** Namespaces whose pods may call Kargo's receiver of web hooks. */
  readonly webhookClients: readonly string[];
  /** Namespaces whose pods may call Argo CD's server, for the forge's web hook. */
  readonly argoCdClients: readonly string[];
}

/** Values of the official charts, and what the charts leave to us: Ingresses and NetworkPolicies. */
export function composePlatform(output: SystemOutput, facts: PlatformFacts): void {
  const traefik = { namespace: facts.ingress.controllerNamespace };
  output.yaml(
    'helm/argo-cd.yaml',
    argoCdValues({ image: facts.images.argoCd, redisImage: facts.images.redis, host: facts.hosts.argoCd }),
  );
  output.yaml(
    'helm/kargo.yaml',
    kargoValues({
      image: facts.images.kargo,
      host: facts.hosts.kargo,
      argoCdUrl: `https://${facts.hosts.argoCd}`,
      argoCdNamespace: facts.namespaces.argoCd,
      adminSecret: kargoSecretName.admin,
      login: facts.login,
      credentialsOverHttp: facts.credentialsOverHttp,
      author: facts.author,
    }),
  );
  const argoCd = output.chart('gitops/platform/argo-cd', { namespace: facts.namespaces.argoCd, component: 'argo-cd' });
  new ArgoCdNetwork(argoCd, 'Network', {
    traefik,
    serverClients: facts.argoCdClients.map((namespace) => fromNamespace(namespace)),
  });
  new ArgoCdIngress(argoCd, 'Ingress', {
    host: facts.hosts.argoCd,
    clusterIssuer: facts.ingress.clusterIssuer,
    ingressClass: facts.ingress.className,
  });
  const kargo = output.chart('gitops/platform/kargo', { namespace: facts.namespaces.kargo, component: 'kargo' });
  new KargoNetwork(kargo, 'Network', {
    traefik,
    apiClients: [fromPods(deskPods)],
    webhookClients: facts.webhookClients.map((namespace) => fromNamespace(namespace)),
    dex: facts.login !== undefined,
  });
}

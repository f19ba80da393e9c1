import type { Image } from '../../model/image.ts';
import { chartImage, chartResources, type HelmRelease, type HelmValues } from '../helm-release/index.ts';
import type { Resources } from '../workload/index.ts';
import { sharedResourcesNamespace } from './names.ts';
import type { Claims } from './role.ts';

/** Components of Kargo and what their containers ask for. */
export type KargoComponent =
  | 'api'
  | 'controller'
  | 'managementController'
  | 'webhooksServer'
  | 'externalWebhooksServer'
  | 'garbageCollector'
  | 'dex';

/** Log-in of people through Kargo's own Dex and a forge. */
export type ForgeLogin = GiteaLogin | GitHubLogin;

/** A Gitea forge, self-hosted. */
export interface GiteaLogin extends LoginRights {
  /** @default 'gitea' */
  readonly kind?: 'gitea';
  /** Address of the forge, as the browser and the Dex pod reach it. */
  readonly forgeUrl: string;
}

/** GitHub itself. Everybody with an account can log in; what they may do is decided by the claims below. */
export interface GitHubLogin extends LoginRights {
  readonly kind: 'github';
  /** Only members of this organisation can log in. @default - anybody with an account */
  readonly organization?: string;
}

/** What both kinds of forge have in common. */
export interface LoginRights {
  /** Image of Dex. */
  readonly image: Image;
  /** Secret in Kargo's namespace with the keys `clientID` and `clientSecret` of the OAuth2 application. */
  readonly secret: string;
  /** Who may see that projects exist, and log in with any use; usually everybody who holds a role in a project. */
  readonly users: Claims;
  /** Who may read everything of every project. @default - nobody */
  readonly viewers?: Claims;
  /**
   * Who holds every right in Kargo, as the shared admin account does. @default - nobody: the gate still holds, but each of
   * them could read credentials of projects
   */
  readonly admins?: Claims;
}

export interface KargoValuesProps {
  /** Image of all components. */
  readonly image: Image;
  /** Host of the dashboard. R23.6 */
  readonly host: string;
  /** Address of Argo CD for links. R23.1 */
  readonly argoCdUrl: string;
  /** Namespace of Argo CD. @default 'argocd' */
  readonly argoCdNamespace?: string;
  /** Secret in Kargo's namespace with ADMIN_ACCOUNT_PASSWORD_HASH and ADMIN_ACCOUNT_TOKEN_SIGNING_KEY. */
  readonly adminSecret: string;
  /** Log-in of people one by one. R22.1 @default - only the shared admin account */
  readonly login?: ForgeLogin;
  /** Whether credentials are sent to a forge over plain HTTP; needed where the forge has no TLS. @default false */
  readonly credentialsOverHttp?: boolean;
  /** Name and address of the author of promotions' commits. */
  readonly author: { readonly name: string; readonly email: string };
  /** Shortest interval at which registries are asked. R8.2 @default '1m' */
  readonly minReconciliationInterval?: string;
  /** ConfigMap in Kargo's namespace with private CAs (PEM), for forges and registries. @default - none */
  readonly caConfigMap?: string;
  /** Finished promotions kept for each stage, at least. R22.4 @default 10000 */
  readonly retainedPromotions?: number;
  /** Age from which finished promotions and unused freight may go, in hours. R22.4 @default 87600, ten years */
  readonly retentionHours?: number;
  /** Requests and limits by component. @default - small, for a handful of projects */
  readonly resources?: Partial<Readonly<Record<KargoComponent, Resources>>>;
}

const defaultResources: Readonly<Record<KargoComponent, Resources>> = {
  api: { cpu: '50m', memory: '128Mi', memoryLimit: '512Mi' },
  controller: { cpu: '100m', memory: '256Mi', memoryLimit: '1Gi' },
  managementController: { cpu: '25m', memory: '96Mi', memoryLimit: '256Mi' },
  webhooksServer: { cpu: '25m', memory: '96Mi', memoryLimit: '256Mi' },
  externalWebhooksServer: { cpu: '10m', memory: '64Mi', memoryLimit: '256Mi' },
  garbageCollector: { cpu: '25m', memory: '64Mi', memoryLimit: '256Mi' },
  dex: { cpu: '10m', memory: '64Mi', memoryLimit: '128Mi' },
};

/** The chart of Kargo, official and pinned. */
export function kargoRelease(version: string, namespace = 'kargo'): HelmRelease {
  return { name: 'kargo', namespace, chart: 'oci://ghcr.io/akuity/kargo-charts/kargo', version };
}

/**
 * Values of the official Kargo chart, checked against v1.11.2. TLS ends at the ingress controller, and the chart makes no
 * Ingress: the host is shared with the promotion desk, whose construct routes it to `kargoService`.
 */
export function kargoValues(props: KargoValuesProps): HelmValues {
  const resources = (component: KargoComponent) =>
    chartResources(props.resources?.[component] ?? defaultResources[component]);
  const ca: HelmValues = props.caConfigMap === undefined ? {} : { cabundle: { configMapName: props.caConfigMap } };
  const age = `${props.retentionHours ?? 87_600}h`;
  return {
    image: chartImage(props.image),
    // Kargo's image runs as 65532; saying so lets the kubelet check it.
    global: {
      securityContext: containerSecurity(65_532),
      sharedResources: { namespace: sharedResourcesNamespace, createNamespace: false },
    },
    crds: { install: true, keep: true },
    api: {
      host: props.host,
      // Secrets of projects are made by the set-up and read by Kargo; nobody edits them in the dashboard.
      secretManagementEnabled: false,
      secret: { name: props.adminSecret },
      adminAccount: { enabled: true, tokenTTL: '12h' },
      tls: { enabled: false, terminatedUpstream: true },
      ingress: { enabled: false },
      argocd: { urls: { '': props.argoCdUrl } },
      rollouts: { integrationEnabled: false },
      oidc: login(props, resources('dex')),
      resources: resources('api'),
      ...ca,
    },
    controller: {
      allowCredentialsOverHTTP: props.credentialsOverHttp ?? false,
      gitClient: { ...props.author },
      argocd: {
        integrationEnabled: true,
        namespace: props.argoCdNamespace ?? 'argocd',
        watchArgocdNamespaceOnly: true,
      },
      rollouts: { integrationEnabled: false },
      reconcilers: { warehouses: { minReconciliationInterval: props.minReconciliationInterval ?? '1m' } },
      resources: resources('controller'),
      ...ca,
    },
    managementController: { resources: resources('managementController') },
    webhooksServer: { tls: { selfSignedCert: true }, resources: resources('webhooksServer') },
    externalWebhooksServer: {
      host: props.host,
      // Part of the address that receivers get; the server compares the whole path, so nothing strips it.
      basePath: '/webhooks',
      tls: { enabled: false, terminatedUpstream: true },
      resources: resources('externalWebhooksServer'),
    },
    garbageCollector: {
      maxRetainedPromotions: props.retainedPromotions ?? 10_000,
      minPromotionDeletionAge: age,
      maxRetainedFreight: 1_000,
      minFreightDeletionAge: age,
      resources: resources('garbageCollector'),
    },
  };
}

/**
 * What the first of two installs changes: everything but pods and admission web hooks, so that the history of promotions can
 * be put back under its own names. R24.3
 */
export const kargoWithoutWorkloads: HelmValues = { workloads: { install: false }, webhooks: { register: false } };

function login(props: KargoValuesProps, resources: HelmValues): HelmValues {
  const forge = props.login;
  if (forge === undefined) return { enabled: false };
  // Dex reads $NAME from its environment.
  const prefix = forge.kind === 'github' ? 'GITHUB' : 'GITEA';
  const claims = (value: Claims = {}) => ({ claims: { ...value } });
  return {
    enabled: true,
    // The actor in the audit is `email:<address>`.
    usernameClaim: 'email',
    additionalScopes: ['groups'],
    admins: claims(forge.admins),
    users: claims(forge.users),
    viewers: claims(forge.viewers),
    dex: {
      enabled: true,
      image: chartImage(forge.image),
      connectors: [
        connector(forge, {
          clientID: `$${prefix}_CLIENT_ID`,
          clientSecret: `$${prefix}_CLIENT_SECRET`,
          redirectURI: `https://${props.host}/dex/callback`,
        }),
      ],
      env: [
        { name: `${prefix}_CLIENT_ID`, valueFrom: { secretKeyRef: { name: forge.secret, key: 'clientID' } } },
        { name: `${prefix}_CLIENT_SECRET`, valueFrom: { secretKeyRef: { name: forge.secret, key: 'clientSecret' } } },
      ],
      // The user of Dex's own image.
      securityContext: containerSecurity(1001),
      resources,
    },
  };
}

/** How Dex speaks with the forge. The address of an account on GitHub is its primary one, which GitHub has verified. */
function connector(forge: ForgeLogin, client: HelmValues): HelmValues {
  if (forge.kind === 'github') {
    const { organization } = forge;
    return {
      id: 'github',
      name: 'GitHub',
      type: 'github',
      config: { ...client, ...(organization === undefined ? {} : { orgs: [{ name: organization }] }) },
    };
  }
  return {
    id: 'gitea',
    name: 'Gitea',
    type: 'gitea',
    config: { ...client, baseURL: forge.forgeUrl, loadAllGroups: true },
  };
}

function containerSecurity(user: number): HelmValues {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

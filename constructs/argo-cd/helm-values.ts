import type { Image } from '../../model/image.ts';
import { chartImage, chartResources, type HelmRelease, type HelmValues } from '../helm-release/index.ts';
import type { Resources } from '../workload/index.ts';

/** Components of Argo CD that run, and what their containers ask for. */
export type ArgoCdComponent = 'controller' | 'server' | 'repoServer' | 'redis';

/** Log-in of people through a provider of OpenID Connect, such as Gitea. */
export interface OidcLogin {
  /** Shown on the log-in page. */
  readonly name: string;
  /** Address of the provider, as it names itself. */
  readonly issuer: string;
  /** Secret in Argo CD's namespace, labelled `app.kubernetes.io/part-of: argocd`, with `clientID` and `clientSecret`. */
  readonly secret: string;
}

/** People who may sync some Applications by hand, for example those without a gate. */
export interface ArgoCdOperators {
  /** Groups, or addresses of people, of the log-in. */
  readonly subjects: readonly string[];
  /** The AppProject of the Applications. */
  readonly project: string;
  readonly applications: readonly string[];
}

export interface ArgoCdValuesProps {
  /** Image of all components but Redis; chart, image and CRDs are one tested set. */
  readonly image: Image;
  readonly redisImage: Image;
  /** Host of the web UI. R11.3 */
  readonly host: string;
  /** Log-in of people. @default - only the admin account */
  readonly login?: OidcLogin;
  /** Who may sync by hand. @default - only the admin: everybody else reads */
  readonly operators?: ArgoCdOperators;
  /** How often repositories are asked for changes. R25.2 @default '120s' */
  readonly reconciliation?: string;
  /** Requests and limits by component. @default - small, for tens of Applications */
  readonly resources?: Partial<Readonly<Record<ArgoCdComponent, Resources>>>;
}

const defaultResources: Readonly<Record<ArgoCdComponent, Resources>> = {
  controller: { cpu: '100m', memory: '384Mi', memoryLimit: '1Gi' },
  server: { cpu: '50m', memory: '128Mi', memoryLimit: '512Mi' },
  repoServer: { cpu: '50m', memory: '192Mi', memoryLimit: '1Gi' },
  redis: { cpu: '25m', memory: '64Mi', memoryLimit: '256Mi' },
};

/** Name of Argo CD's own Secret; it is made by the set-up, see `argoCdSecrets`. */
export const argoCdSecretName = 'argocd-secret';

/** The chart of Argo CD, official and pinned. */
export function argoCdRelease(version: string, namespace = 'argocd'): HelmRelease {
  return {
    name: 'argocd',
    namespace,
    chart: 'argo-cd',
    repository: 'https://argoproj.github.io/argo-helm',
    version,
  };
}

/**
 * Values of the official Argo CD chart, checked against 10.1.1. TLS ends at the ingress controller; Dex, notifications and
 * ApplicationSets are off. The chart makes neither Ingress nor NetworkPolicies: `ArgoCdIngress` and `ArgoCdNetwork` do.
 */
export function argoCdValues(props: ArgoCdValuesProps): HelmValues {
  const resources = (component: ArgoCdComponent) => ({
    resources: chartResources(props.resources?.[component] ?? defaultResources[component]),
  });
  return {
    crds: { install: true, keep: true },
    global: {
      domain: props.host,
      image: chartImage(props.image),
      networkPolicy: { create: false },
    },
    configs: {
      cm: {
        'admin.enabled': true,
        'exec.enabled': false,
        'users.anonymous.enabled': false,
        'application.resourceTrackingMethod': 'annotation',
        'timeout.reconciliation': props.reconciliation ?? '120s',
        ...healthRules,
        ...(props.login === undefined ? {} : { 'oidc.config': oidcConfig(props.login) }),
      },
      params: { 'server.insecure': true, 'controller.diff.server.side': true },
      rbac: {
        'policy.default': 'role:readonly',
        'policy.csv': policy(props.operators),
        scopes: '[groups, email]',
      },
      secret: { createSecret: false },
    },
    controller: { ...resources('controller') },
    server: {
      ingress: { enabled: false },
      // The chart would let the server delete and patch everything for its users; they read.
      clusterRoleRules: {
        enabled: true,
        rules: [
          { apiGroups: ['*'], resources: ['*'], verbs: ['get'] },
          { apiGroups: [''], resources: ['events'], verbs: ['list'] },
        ],
      },
      ...resources('server'),
    },
    repoServer: { ...resources('repoServer') },
    redis: {
      image: chartImage(props.redisImage),
      ...resources('redis'),
    },
    redisSecretInit: { resources: chartResources({ cpu: '10m', memory: '64Mi', memoryLimit: '256Mi' }) },
    applicationSet: { replicas: 0 },
    dex: { enabled: false },
    notifications: { enabled: false },
  };
}

/**
 * Objects whose health is not Argo CD's to judge. A Stage is unhealthy whenever a promotion failed, and an Ingress is
 * "progressing" for ever where the ingress controller publishes no address: both would hold up the sync waves after them.
 * There is no rule for Applications on purpose: with one, the root Application would wait for every stage.
 */
const healthRules: HelmValues = Object.fromEntries(
  ['kargo.akuity.io_Project', 'kargo.akuity.io_Stage', 'kargo.akuity.io_Warehouse', 'networking.k8s.io_Ingress'].map(
    (kind) => [`resource.customizations.health.${kind}`, 'hs = {}\nhs.status = "Healthy"\nreturn hs\n'],
  ),
);

function oidcConfig(login: OidcLogin): string {
  return [
    `name: ${JSON.stringify(login.name)}`,
    `issuer: ${JSON.stringify(login.issuer)}`,
    `clientID: $${login.secret}:clientID`,
    `clientSecret: $${login.secret}:clientSecret`,
    'requestedScopes: ["openid", "profile", "email", "groups"]',
    '',
  ].join('\n');
}

function policy(operators: ArgoCdOperators | undefined): string {
  if (operators === undefined) return '# nobody but the admin syncs\n';
  return [
    ...operators.applications.map(
      (name) => `p, role:operator, applications, sync, ${operators.project}/${name}, allow`,
    ),
    ...operators.subjects.map((subject) => `g, ${JSON.stringify(subject)}, role:operator`),
    '',
  ].join('\n');
}

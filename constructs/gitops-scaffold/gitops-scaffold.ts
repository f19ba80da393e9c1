import type { Chart } from 'cdk8s';
import { HttpRoute, HttpRouteSpecRulesMatchesPathType } from '../../imports/gateway.networking.k8s.io.ts';
import { IntOrString, KubeDeployment, KubeService, KubeServiceAccount, Quantity } from '../../imports/k8s.ts';
import { placeholderImage } from '../../model/delivery/index.ts';
import type { Image } from '../../model/image.ts';
import type { Gateway } from '../argo-events/index.ts';
import { PeerCertificate } from '../cert-manager/index.ts';
import { manifestText, type SystemOutput } from '../core/index.ts';
import { addCodeServer, codeServerCertificate, dagsterIssuer } from '../dagster/index.ts';
import { AllowIngress, fromNamespace } from '../network/index.ts';
import { resourceRequirements, restrictedContainer, restrictedPod } from '../workload/index.ts';

/** A web application behind the gateway. */
export interface WebApplication {
  readonly kind: 'web';
  /** Port that it listens on. */
  readonly port: number;
  /** Path that answers 200 when it is ready. */
  readonly health: string;
}

/** Definitions of Dagster, served to the platform. */
export interface CodeLocation {
  readonly kind: 'code-location';
  /** Python module with the definitions. */
  readonly module: string;
  readonly tunnelImage: Image;
}

/** What differs between environments, besides the image. */
export interface OverlayFacts {
  readonly namespace: string;
  /** Host of a web application. */
  readonly host: string;
  readonly replicas: number;
}

export interface GitOpsScaffoldProps {
  readonly name: string;
  readonly application: WebApplication | CodeLocation;
  /** Image without tag. */
  readonly image: string;
  readonly gateway: Gateway;
  /** Log-in for pulling the image; in each environment's namespace. */
  readonly pullSecret: string;
  /** By the path of the overlay. */
  readonly overlays: Readonly<Record<string, OverlayFacts>>;
  /** Folder of the base, beside the overlays' one. */
  readonly base: string;
}

/** The parts of a kustomization that are used. @see https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ */
interface Kustomization {
  readonly apiVersion: 'kustomize.config.k8s.io/v1beta1';
  readonly kind: 'Kustomization';
  readonly namespace?: string;
  readonly resources: readonly string[];
  readonly images?: ReadonlyArray<{ readonly name: string; readonly newName: string; readonly newTag?: string }>;
  readonly replicas?: ReadonlyArray<{ readonly name: string; readonly count: number }>;
  readonly configMapGenerator?: ReadonlyArray<{
    readonly name: string;
    readonly behavior?: 'merge';
    readonly literals: readonly string[];
  }>;
  readonly replacements?: ReadonlyArray<{
    readonly source: { readonly kind: string; readonly name: string; readonly fieldPath: string };
    readonly targets: ReadonlyArray<{
      readonly select: { readonly kind: string; readonly name: string };
      readonly fieldPaths: readonly string[];
    }>;
  }>;
}

const header = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' } as const;

/** Writes the files that an application's GitOps repository starts from: a base and one overlay an environment. */
export function writeGitOpsScaffold(output: SystemOutput, folder: string, props: GitOpsScaffoldProps): void {
  const base = `${folder}/${props.base}`;
  const { application } = props;
  output.file(
    `${base}/workload.yaml`,
    manifestText((chart) => {
      if (application.kind === 'web') addWebApplication(chart, props, application);
      else
        addCodeServer(chart, {
          name: props.name,
          environment: environmentOf(props),
          pullSecret: props.pullSecret,
          ...application,
        });
    }),
  );
  writeKustomization(output, base, {
    ...header,
    resources: ['workload.yaml'],
    // A changed value rolls the workload: the name ends with a hash of the values.
    configMapGenerator: [{ name: environmentOf(props), literals: [`APPLICATION=${props.name}`] }],
  });
  for (const [path, facts] of Object.entries(props.overlays)) writeOverlay(output, `${folder}/${path}`, facts, props);
  output.file(`${folder}/README.md`, readme(props));
}

function environmentOf({ name }: GitOpsScaffoldProps): string {
  return `${name}-environment`;
}

function writeOverlay(output: SystemOutput, folder: string, facts: OverlayFacts, props: GitOpsScaffoldProps): void {
  const { application, name } = props;
  output.file(
    `${folder}/environment.yaml`,
    manifestText((chart) => {
      if (application.kind === 'web') addRoute(chart, props, application, facts.host);
      else {
        new PeerCertificate(chart, 'certificate', {
          name: codeServerCertificate(name),
          issuer: dagsterIssuer,
          dnsNames: [name, `${name}.${facts.namespace}.svc`],
        });
      }
    }),
  );
  writeKustomization(output, folder, {
    ...header,
    namespace: facts.namespace,
    resources: ['../../base', 'environment.yaml'],
    // The tag is written by deliveries; nothing else writes it.
    images: [{ name: placeholderImage, newName: props.image }],
    replicas: [{ name, count: application.kind === 'web' ? facts.replicas : 1 }],
    configMapGenerator: [
      { name: environmentOf(props), behavior: 'merge', literals: [`ENVIRONMENT=${facts.namespace}`] },
    ],
    ...(application.kind === 'web' ? {} : { replacements: [currentImage(name)] }),
  });
}

/** Runs of a code location use the image that its server has. */
function currentImage(name: string) {
  return {
    source: { kind: 'Deployment', name, fieldPath: 'spec.template.spec.containers.[name=code-server].image' },
    targets: [
      {
        select: { kind: 'Deployment', name },
        fieldPaths: ['spec.template.spec.containers.[name=code-server].env.[name=DAGSTER_CURRENT_IMAGE].value'],
      },
    ],
  };
}

function writeKustomization(output: SystemOutput, folder: string, kustomization: Kustomization): void {
  output.yaml(`${folder}/kustomization.yaml`, kustomization);
}

function addWebApplication(chart: Chart, props: GitOpsScaffoldProps, application: WebApplication): void {
  const labels = { 'app.kubernetes.io/name': props.name };
  const probe = { httpGet: { path: application.health, port: IntOrString.fromString('http') }, timeoutSeconds: 3 };
  new KubeServiceAccount(chart, 'account', {
    metadata: { name: props.name },
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: props.pullSecret }],
  });
  new KubeDeployment(chart, 'deployment', {
    metadata: { name: props.name, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: props.name,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: restrictedPod({ uid: 1000 }),
          containers: [
            {
              name: props.name,
              image: placeholderImage,
              env: [{ name: 'PORT', value: String(application.port) }],
              envFrom: [{ configMapRef: { name: environmentOf(props) } }],
              ports: [{ name: 'http', containerPort: application.port }],
              resources: resourceRequirements({ cpu: '50m', memory: '128Mi', memoryLimit: '256Mi' }),
              securityContext: restrictedContainer(),
              readinessProbe: { ...probe, periodSeconds: 10 },
              livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 4 },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
          volumes: [{ name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('64Mi') } }],
        },
      },
    },
  });
  new KubeService(chart, 'service', {
    metadata: { name: props.name, labels },
    spec: {
      selector: labels,
      ports: [{ name: 'http', port: 80, targetPort: IntOrString.fromString('http'), protocol: 'TCP' }],
    },
  });
  new AllowIngress(chart, 'gateway', {
    name: props.name,
    to: labels,
    ways: [{ from: [fromNamespace(props.gateway.proxyNamespace)], ports: [application.port] }],
  });
}

function addRoute(chart: Chart, { name, gateway }: GitOpsScaffoldProps, _: WebApplication, host: string): void {
  new HttpRoute(chart, 'route', {
    metadata: { name },
    spec: {
      parentRefs: [{ name: gateway.name, namespace: gateway.namespace }],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: HttpRouteSpecRulesMatchesPathType.PATH_PREFIX, value: '/' } }],
          backendRefs: [{ name, port: 80 }],
        },
      ],
    },
  });
}

function readme({ name, overlays }: GitOpsScaffoldProps): string {
  const rows = Object.entries(overlays).map(([path, { namespace }]) => `- \`${path}\` is deployed to ${namespace}`);
  return `# ${name}: what is deployed

${rows.join('\n')}

Builds write the image to the sandbox's overlay on \`develop\`. A pull request to \`main\` with nothing but the image brings it to
production; it is merged by people, and production is synced by hand. Everything else in here is yours to change.
`;
}

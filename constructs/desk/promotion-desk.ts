import { Construct } from 'constructs';
import {
  type Container,
  IntOrString,
  KubeDeployment,
  KubePodDisruptionBudget,
  KubeService,
  KubeServiceAccount,
  type Probe,
} from '../../imports/k8s.ts';
import { deskSettings } from '../../model/desk/settings.ts';
import { type Image, imageReference } from '../../model/image.ts';
import { parseSettings } from '../../model/problems.ts';
import type { Stage } from '../../model/stage-chain.ts';
import { SecureIngress } from '../ingress/index.ts';
import { kargoService } from '../kargo/names.ts';
import { AllowIngress, fromTraefik, type TraefikLocation } from '../network/index.ts';
import { ProgramConfigMap } from '../program/index.ts';
import {
  namespaceOf,
  type Resources,
  resourceRequirements,
  restrictedContainer,
  restrictedPod,
} from '../workload/index.ts';
import { deskName, deskPods, deskPort, deskUrl } from './names.ts';

export interface PromotionDeskProps {
  /** Host of Kargo's dashboard, which the desk shares. R23.6 */
  readonly host: string;
  /** Kargo project (namespace) whose stages it shows. R23.1 */
  readonly project: string;
  /** The chain with its gates: the same that the policies are generated from. R18.3, R19.2 */
  readonly stages: readonly Stage[];
  /** The bundled program: `context.program('desk')`. */
  readonly program: string;
  /** The bundled code for browsers: `context.browserCode('desk-page')` and `context.browserCode('desk-dashboard')`. */
  readonly browserCode: { readonly page: string; readonly dashboard: string };
  /** Node.js 20 or later. */
  readonly image: Image;
  /** Address of the audit recorder inside the cluster. R22.3 @default - none: the history is what Kargo still has */
  readonly recorderUrl?: string;
  /** Repository of the image whose tag stands for a build. R21.1 @default - the first image of the Freight */
  readonly watchedImage?: string;
  /** Address of a commit as browsers see it, with `{tag}` where the tag goes. R21.1 @default - tags are not links */
  readonly commitUrl?: string;
  /** The claim that Kargo names people by. @default 'email' */
  readonly usernameClaim?: string;
  /** Whether Kargo's receiver of web hooks runs; it then gets /webhooks. @default true */
  readonly externalWebhooks?: boolean;
  /** cert-manager ClusterIssuer of the host's certificate. R23.6 @default 'ca-issuer' */
  readonly clusterIssuer?: string;
  /** @default 'traefik' */
  readonly ingressClass?: string;
  /** Where Traefik runs. @default - namespace kube-system */
  readonly traefik?: TraefikLocation;
  /** Pods at a time. They keep nothing, so any number works. @default 2 */
  readonly replicas?: number;
  /** @default 50m CPU, 96Mi memory, at most 384Mi */
  readonly resources?: Resources;
}

const folder = '/program';

/** Paths of Kargo's host that go straight to kargo-api: its API, log-in, and the assets of its dashboard. */
const kargoPaths = ['/v1beta1', '/akuity.io.kargo.service.v1alpha1.KargoService', '/dex', '/assets', '/fonts'];

/**
 * The promotion desk beside Kargo, in Kargo's namespace: a Deployment that keeps nothing, its Service, the Ingress of Kargo's
 * host with its split of paths, and the way in. Its account has no rights in the cluster and no token: the desk acts with
 * the Kargo token of whoever uses it.
 *
 * Both replicas down leave Kargo's API, CLI and gate as they are; only documents of the dashboard are missing then.
 */
export class PromotionDesk extends Construct {
  /** `https://<host>/desk/`. */
  readonly url: string;
  /** Labels of the pods; let them in to kargo-api (`KargoNetwork`, `apiClients`) and to the recorder. */
  readonly pods = deskPods;
  /** Bytes of the program's ConfigMap. */
  readonly programBytes: number;

  /** @throws SettingsError if what the desk has to know is not well formed */
  constructor(scope: Construct, id: string, props: PromotionDeskProps) {
    super(scope, id);
    this.url = deskUrl(props.host);
    const program = new ProgramConfigMap(this, 'Program', {
      name: deskName,
      program: 'desk',
      text: props.program,
      files: {
        'desk-page.js': props.browserCode.page,
        'desk-dashboard.js': props.browserCode.dashboard,
        'settings.json': `${JSON.stringify(settingsOf(this, props), undefined, 2)}\n`,
      },
    });
    this.programBytes = program.bytes;
    new KubeServiceAccount(this, 'Account', { metadata: { name: deskName }, automountServiceAccountToken: false });
    this.addDeployment(props, program);
    new KubeService(this, 'Service', {
      metadata: { name: deskName },
      spec: {
        selector: { ...deskPods },
        ports: [{ name: 'http', port: 80, targetPort: IntOrString.fromString('http') }],
      },
    });
    this.addIngress(props);
    new AllowIngress(this, 'WayIn', {
      name: deskName,
      to: deskPods,
      ways: [{ from: [fromTraefik(props.traefik)], ports: [deskPort] }],
    });
  }

  private addDeployment(props: PromotionDeskProps, program: ProgramConfigMap): void {
    const replicas = props.replicas ?? 2;
    new KubeDeployment(this, 'Deployment', {
      metadata: { name: deskName },
      spec: {
        replicas,
        strategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxUnavailable: IntOrString.fromNumber(0), maxSurge: IntOrString.fromNumber(1) },
        },
        selector: { matchLabels: { ...deskPods } },
        template: {
          metadata: { labels: { ...deskPods } },
          spec: {
            serviceAccountName: deskName,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 30,
            securityContext: restrictedPod({ uid: 1000 }),
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'ScheduleAnyway',
                labelSelector: { matchLabels: { ...deskPods } },
              },
            ],
            containers: [container(props, program)],
            volumes: [program.volume()],
          },
        },
      },
    });
    if (replicas > 1) {
      new KubePodDisruptionBudget(this, 'Budget', {
        metadata: { name: deskName },
        spec: { minAvailable: IntOrString.fromNumber(1), selector: { matchLabels: { ...deskPods } } },
      });
    }
  }

  private addIngress(props: PromotionDeskProps): void {
    const { api, externalWebhooks } = kargoService;
    new SecureIngress(this, 'Host', {
      name: 'kargo',
      host: props.host,
      clusterIssuer: props.clusterIssuer,
      ingressClass: props.ingressClass,
      routes: [
        ...kargoPaths.map((path) => ({ path, service: api.name, port: api.port })),
        { path: '/healthz', match: 'Exact' as const, service: api.name, port: api.port },
        ...((props.externalWebhooks ?? true)
          ? [{ path: '/webhooks', service: externalWebhooks.name, port: externalWebhooks.port }]
          : []),
        { path: '/', service: deskName, port: 'http' },
      ],
    });
  }
}

function settingsOf(scope: Construct, props: PromotionDeskProps): unknown {
  return parseSettings('settings of the promotion desk', deskSettings, {
    project: props.project,
    stages: props.stages,
    kargoUrl: `http://${kargoService.api.name}.${namespaceOf(scope)}.svc:${kargoService.api.port}`,
    recorderUrl: props.recorderUrl,
    image: props.watchedImage,
    commitUrl: props.commitUrl,
    usernameClaim: props.usernameClaim,
  });
}

function container(props: PromotionDeskProps, program: ProgramConfigMap): Container {
  return {
    name: 'desk',
    image: imageReference(props.image),
    command: program.command(folder, 'serve', '--settings', `${folder}/settings.json`, '--port', String(deskPort)),
    env: [{ name: 'NODE_ENV', value: 'production' }],
    ports: [{ name: 'http', containerPort: deskPort }],
    securityContext: restrictedContainer(),
    resources: resourceRequirements(props.resources ?? { cpu: '50m', memory: '96Mi', memoryLimit: '384Mi' }),
    readinessProbe: probe({ periodSeconds: 5 }),
    livenessProbe: probe({ periodSeconds: 20, failureThreshold: 3 }),
    // The Ingress forgets a pod a moment after the pod has been told to end.
    lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
    volumeMounts: [program.mount(folder)],
  };
}

function probe(timing: Pick<Probe, 'periodSeconds' | 'failureThreshold'>): Probe {
  return { httpGet: { path: '/desk/healthz', port: IntOrString.fromString('http') }, timeoutSeconds: 5, ...timing };
}

import type { Chart } from 'cdk8s';
import { IntOrString, KubeDeployment, KubeService, KubeServiceAccount, Quantity } from '../../imports/k8s.ts';
import { placeholderImage } from '../../model/delivery/index.ts';
import type { Image } from '../../model/image.ts';
import { AllowIngress, fromPods } from '../network/index.ts';
import { resourceRequirements, restrictedContainer, restrictedPod } from '../workload/index.ts';
import { dagsterClientLabel, dagsterPort, dagsterUser } from './names.ts';
import { serverTunnel, tunnelVolume } from './tunnel.ts';

export interface CodeServerProps {
  /** Name of the code location. */
  readonly name: string;
  /** Python module with the definitions. */
  readonly module: string;
  /** Name of the ConfigMap with its environment; kustomize puts a hash behind it. */
  readonly environment: string;
  readonly tunnelImage: Image;
  /** Log-in for pulling the image. */
  readonly pullSecret: string;
}

/** Secret with the certificate of a code location. */
export function codeServerCertificate(name: string): string {
  return `${name}-tls`;
}

/** A code location: a gRPC server of definitions, reached by nobody but the platform. For the base of an overlay. */
export function addCodeServer(chart: Chart, props: CodeServerProps): void {
  const labels = { 'app.kubernetes.io/name': props.name };
  const grpc = { grpc: { port: dagsterPort.code, service: 'DagsterApi' }, timeoutSeconds: 5 };
  new KubeServiceAccount(chart, 'account', {
    metadata: { name: props.name },
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: props.pullSecret }],
  });
  new KubeDeployment(chart, 'deployment', {
    metadata: { name: props.name, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      // Two versions of one location side by side would answer in turns.
      strategy: { type: 'Recreate' },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: props.name,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: restrictedPod({ uid: dagsterUser, fsGroup: dagsterUser }),
          containers: [
            {
              name: 'code-server',
              image: placeholderImage,
              args: [
                'dagster',
                'code-server',
                'start',
                '--host=0.0.0.0',
                `--port=${dagsterPort.code}`,
                `--module-name=${props.module}`,
              ],
              env: [
                // Runs of this location use this image; the overlay fills it in.
                { name: 'DAGSTER_CURRENT_IMAGE', value: placeholderImage },
                { name: 'DAGSTER_HOME', value: '/tmp' },
              ],
              envFrom: [{ configMapRef: { name: props.environment } }],
              ports: [{ name: 'grpc', containerPort: dagsterPort.code }],
              resources: resourceRequirements({ cpu: '100m', memory: '512Mi', memoryLimit: '1Gi' }),
              securityContext: restrictedContainer(),
              startupProbe: { ...grpc, periodSeconds: 5, failureThreshold: 60 },
              readinessProbe: { ...grpc, periodSeconds: 10 },
              livenessProbe: { ...grpc, periodSeconds: 30, failureThreshold: 4 },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
            serverTunnel({ name: 'tunnel', image: props.tunnelImage, statusPort: 6060 }),
          ],
          volumes: [
            { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('256Mi') } },
            tunnelVolume(codeServerCertificate(props.name)),
          ],
        },
      },
    },
  });
  new KubeService(chart, 'service', {
    metadata: { name: props.name, labels },
    spec: {
      selector: labels,
      ports: [
        {
          name: 'grpc-tls',
          port: dagsterPort.codeTls,
          targetPort: IntOrString.fromString('grpc-tls'),
          protocol: 'TCP',
        },
      ],
    },
  });
  new AllowIngress(chart, 'clients', {
    name: props.name,
    to: labels,
    ways: [{ from: [fromPods(dagsterClientLabel)], ports: [dagsterPort.codeTls] }],
  });
}

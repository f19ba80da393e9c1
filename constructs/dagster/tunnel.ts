import { type Container, IntOrString, type Volume } from '../../imports/k8s.ts';
import { type Image, imageReference } from '../../model/image.ts';
import { resourceRequirements, restrictedContainer } from '../workload/index.ts';
import { dagsterPeer, dagsterPort } from './names.ts';

const folder = '/run/tls';
const files = ['--cert', `${folder}/tls.crt`, '--key', `${folder}/tls.key`, '--cacert', `${folder}/ca.crt`];

interface TunnelProps {
  readonly name: string;
  readonly image: Image;
  /** Port of its own health check, one for each tunnel of a pod. */
  readonly statusPort: number;
}

/** The end of a tunnel at a code server: lets in who shows the platform's certificate, nobody else. */
export function serverTunnel(props: TunnelProps): Container {
  return tunnel(props, dagsterPort.codeTls, [
    'server',
    `--listen=0.0.0.0:${dagsterPort.codeTls}`,
    `--target=127.0.0.1:${dagsterPort.code}`,
    `--allow-dns=${dagsterPeer.platform}`,
  ]);
}

/** The end at the platform: a local port that leads to one code server, whose certificate has its Service's name. */
export function clientTunnel(props: TunnelProps & { readonly port: number; readonly service: string }): Container {
  return tunnel(props, undefined, [
    'client',
    `--listen=127.0.0.1:${props.port}`,
    `--target=${props.service}:${dagsterPort.codeTls}`,
  ]);
}

function tunnel(props: TunnelProps, port: number | undefined, args: readonly string[]): Container {
  const health = { httpGet: { path: '/_status', port: IntOrString.fromNumber(props.statusPort), scheme: 'HTTPS' } };
  return {
    name: props.name,
    image: imageReference(props.image),
    // Certificates are renewed by themselves; the tunnel reads them again.
    args: [...args, ...files, '--timed-reload=1h', `--status=0.0.0.0:${props.statusPort}`],
    ...(port === undefined ? {} : { ports: [{ name: 'grpc-tls', containerPort: port }] }),
    resources: resourceRequirements({ cpu: '10m', memory: '32Mi', memoryLimit: '64Mi', disk: '64Mi' }),
    securityContext: restrictedContainer(),
    // A code server that is away must not take the platform down: the tunnel is only asked whether it runs itself.
    livenessProbe: { tcpSocket: { port: IntOrString.fromNumber(props.statusPort) }, periodSeconds: 20 },
    ...(port === undefined ? {} : { readinessProbe: { ...health, periodSeconds: 10 } }),
    volumeMounts: [{ name: 'tls', mountPath: folder, readOnly: true }],
  };
}

/** The volume with a peer's certificate. */
export function tunnelVolume(secretName: string): Volume {
  return { name: 'tls', secret: { secretName, defaultMode: 0o440 } };
}

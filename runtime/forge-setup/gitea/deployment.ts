import type { ForgeDeployment } from '../../../model/forge-setup/settings.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { DEPLOYMENTS, type KubernetesObject, PODS } from '../../kubernetes/resources.ts';
import { exitCode, ProgramEnd } from '../../program/exit.ts';
import { eventually } from '../http.ts';
import type { Report } from '../report.ts';

/** Holds the replicas while Gitea is stopped, so that a killed run can be finished. */
const REPLICAS = 'pipelines.celestium.life/replicas';
const HOSTNAME = 'kubernetes.io/hostname';

interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: unknown;
}
interface DeploymentSpec {
  replicas?: number;
  selector: { matchLabels?: Record<string, string> };
  template: {
    spec: {
      nodeSelector?: Record<string, string>;
      affinity?: unknown;
      nodeName?: string;
      containers: { name: string; env?: EnvVar[] }[];
      volumes?: { hostPath?: unknown; emptyDir?: unknown }[];
    };
  };
}

/**
 * Gives Gitea's Deployment the environment it needs. Two Giteas on one data folder corrupt it: the Deployment is scaled to 0 and its
 * pods are gone before anything changes. Data on a node's disk keeps the Deployment on that node. A run that was killed in
 * between is finished by the next one.
 */
export async function configureDeployment(
  client: KubernetesClient,
  wanted: ForgeDeployment,
  report: Report,
  waitSeconds = 300,
): Promise<void> {
  const { namespace, name } = wanted;
  const label = `Deployment ${namespace}/${name}`;
  const deployment = await client.find(DEPLOYMENTS, name, namespace);
  if (deployment === undefined) {
    throw new ProgramEnd(exitCode.usage, `${label} does not exist; correct its name in the settings, or leave it out`);
  }
  const spec = deployment.spec as DeploymentSpec;
  const container = containerOf(spec, wanted, label);
  const environment = changedEnvironment(container.env ?? [], wanted.environment);
  const interrupted = deployment.metadata.annotations?.[REPLICAS];
  if (environment === undefined && interrupted === undefined) {
    report.kept(`environment of ${label}`);
    return;
  }
  const replicas = Number(interrupted ?? spec.replicas ?? 1);
  if (replicas > 1) {
    throw new ProgramEnd(exitCode.refused, `${label} has ${replicas} replicas: Gitea must have one; set it to 1 first`);
  }
  const pods = await podsOf(client, spec, namespace);
  const node = pinnedNode(spec, pods);
  await client.patch(
    DEPLOYMENTS,
    { name, namespace },
    {
      metadata: { annotations: { [REPLICAS]: String(replicas || 1) } },
      spec: {
        replicas: 0,
        ...(node === undefined ? {} : { template: { spec: { nodeSelector: { [HOSTNAME]: node } } } }),
      },
    },
  );
  await eventually(`the pods of ${label} are gone`, waitSeconds, async () =>
    (await podsOf(client, spec, namespace)).length === 0 ? true : undefined,
  );
  await client.patch(
    DEPLOYMENTS,
    { name, namespace },
    {
      metadata: { annotations: { [REPLICAS]: null } },
      spec: {
        replicas: replicas || 1,
        template: {
          spec: {
            containers: [
              {
                name: container.name,
                // Named by their keys: others of the container stay, and one that came from elsewhere gets a plain value.
                env: Object.entries(wanted.environment).map(([key, value]) => ({ name: key, value, valueFrom: null })),
              },
            ],
          },
        },
      },
    },
    { type: 'strategic' },
  );
  await eventually(`${label} is ready`, waitSeconds, async () => {
    const { status, metadata } = await client.get(DEPLOYMENTS, name, namespace);
    const { readyReplicas = 0, observedGeneration = 0 } = (status ?? {}) as Record<string, number>;
    return readyReplicas >= 1 && observedGeneration >= (metadata.generation ?? 0) ? true : undefined;
  });
  const names = environment ?? ['(finished an interrupted change)'];
  report.changed(`${label}: ${names.join(', ')}${node === undefined ? '' : `; stays on node ${node}`}`);
}

function containerOf(spec: DeploymentSpec, wanted: ForgeDeployment, label: string) {
  const { containers } = spec.template.spec;
  const found =
    wanted.container === undefined ? containers[0] : containers.find(({ name }) => name === wanted.container);
  if (found !== undefined) return found;
  const names = containers.map(({ name }) => name).join(', ');
  throw new ProgramEnd(exitCode.usage, `${label} has no container ${wanted.container}; it has ${names}`);
}

/** Names of the variables that differ; undefined if none does. */
function changedEnvironment(present: EnvVar[], wanted: Readonly<Record<string, string>>): string[] | undefined {
  const values = new Map(present.map(({ name, value }) => [name, value]));
  const changed = Object.keys(wanted).filter((name) => values.get(name) !== wanted[name]);
  return changed.length === 0 ? undefined : changed;
}

async function podsOf(client: KubernetesClient, spec: DeploymentSpec, namespace: string): Promise<KubernetesObject[]> {
  const labelSelector = Object.entries(spec.selector.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { items } = await client.list(PODS, { namespace, labelSelector });
  const ended = new Set(['Succeeded', 'Failed']);
  return items.filter((pod) => !ended.has((pod.status as { phase?: string } | undefined)?.phase ?? ''));
}

/** The node that a Deployment with data on a node's disk has to stay on; undefined if it is bound already or needs no node. */
function pinnedNode(spec: DeploymentSpec, pods: KubernetesObject[]): string | undefined {
  const { nodeSelector, affinity, nodeName, volumes = [] } = spec.template.spec;
  if (nodeName !== undefined || affinity !== undefined || nodeSelector?.[HOSTNAME] !== undefined) return undefined;
  if (!volumes.some((volume) => volume.hostPath !== undefined)) return undefined;
  return pods.map((pod) => (pod.spec as { nodeName?: string }).nodeName).find((node) => node !== undefined);
}

import { forgeSetupFieldManager } from '../../model/forge-setup/settings.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { isReason } from '../kubernetes/errors.ts';
import { type KubernetesObject, PODS, SECRETS } from '../kubernetes/resources.ts';
import { exitCode, ProgramEnd } from '../program/exit.ts';
import type { Report } from './report.ts';

export interface SecretTarget {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** The decoded values of a Secret; undefined if it does not exist. */
export async function readSecret(
  client: KubernetesClient,
  { namespace, name }: SecretTarget,
): Promise<Record<string, string> | undefined> {
  const secret = await client.find(SECRETS, name, namespace);
  if (secret === undefined) return undefined;
  const data = (secret.data ?? {}) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

/** Makes a Secret have these values and labels; keys of others stay. Writes nothing if it has them. */
export async function writeSecret(
  client: KubernetesClient,
  target: SecretTarget,
  values: Readonly<Record<string, string>>,
  report: Report,
): Promise<boolean> {
  const { namespace, name, labels = {} } = target;
  const label = `Secret ${namespace}/${name}`;
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  const known = await client.find(SECRETS, name, namespace);
  if (known === undefined) {
    const allLabels = { 'app.kubernetes.io/managed-by': 'pipelines', ...labels };
    const secret: KubernetesObject = { metadata: { name, namespace, labels: allLabels }, type: 'Opaque', data };
    try {
      await client.create(SECRETS, secret, { fieldManager: forgeSetupFieldManager });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      throw new ProgramEnd(exitCode.failed, `${label}: its namespace does not exist yet; make the namespaces first`, {
        cause: error,
      });
    }
    report.changed(`${label} made (${Object.keys(values).join(', ')})`);
    return true;
  }
  const present = (known.data ?? {}) as Record<string, string>;
  const changed = Object.keys(data).filter((key) => present[key] !== data[key]);
  const relabelled = Object.entries(labels).some(([key, value]) => known.metadata.labels?.[key] !== value);
  if (changed.length === 0 && !relabelled) {
    report.kept(label);
    return false;
  }
  const patch = { metadata: { labels }, data };
  await client.patch(SECRETS, { namespace, name }, patch, { fieldManager: forgeSetupFieldManager });
  report.changed(`${label}: ${changed.join(', ') || 'labels'}`);
  return true;
}

/** Replaces pods that read a Secret only when they start. Their Deployment makes new ones. */
export async function restartPods(
  client: KubernetesClient,
  restart: { readonly namespace: string; readonly podLabels: Readonly<Record<string, string>> },
  report: Report,
): Promise<void> {
  const labelSelector = Object.entries(restart.podLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  let pods: KubernetesObject[] = [];
  try {
    pods = (await client.list(PODS, { namespace: restart.namespace, labelSelector })).items;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  for (const pod of pods) {
    await client.delete(PODS, pod.metadata.name ?? '', { namespace: restart.namespace });
    report.changed(`pod ${restart.namespace}/${pod.metadata.name} replaced, so that it reads the new secret`);
  }
}

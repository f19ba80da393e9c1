import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Plane } from '../plane.ts';
import { until } from '../processes.ts';
import type { Container, LocalCommand, Pod } from './kubelet.ts';

export interface PodFoldersOptions {
  readonly plane: Plane;
  /** Where the pods' folders are made. */
  readonly folder: string;
  /** The NFS server's export, and the folder that stands for it. */
  readonly share: { readonly path: string; readonly folder: string };
  /** A command for a container whose program is not Node. */
  readonly standIn: (pod: Pod, local: (path: string) => string) => readonly string[];
}

/** Gives a pod's volumes as folders of this machine, and runs its program with the account of the pod. */
export class PodFolders {
  readonly #options: PodFoldersOptions;
  readonly #configMaps = new Map<string, Record<string, string>>();
  #stopped = false;

  constructor(options: PodFoldersOptions) {
    this.#options = options;
  }

  /** Ends what still waits. */
  stop(): void {
    this.#stopped = true;
  }

  async command(pod: Pod, container: Container): Promise<LocalCommand> {
    const mounts = await this.#mounts(pod, container);
    const local = (text: string): string => {
      const found = mounts.find(([mount]) => text === mount || text.startsWith(`${mount}/`));
      return found === undefined ? text : found[1] + text.slice(found[0].length);
    };
    this.#writeConfigMaps(mounts, local);
    const own = [...(container.command ?? []), ...(container.args ?? [])];
    const [program, ...args] = own;
    return {
      command: program === 'node' ? [process.execPath, ...args.map(local)] : this.#options.standIn(pod, local),
      environment: {
        ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, local(value ?? '')])),
        KUBECONFIG: await this.#kubeconfig(pod),
      },
    };
  }

  /** Mount path and folder, the longest path first. */
  async #mounts(pod: Pod, container: Container): Promise<Array<readonly [string, string]>> {
    const mounts = await Promise.all(
      (container.volumeMounts ?? []).map(async ({ name, mountPath, subPath = '' }) => {
        const folder = await this.#volume(pod, name);
        return [mountPath, path.join(folder, subPath)] as const;
      }),
    );
    return mounts.sort(([a], [b]) => b.length - a.length);
  }

  async #volume(pod: Pod, name: string): Promise<string> {
    const volume = pod.spec.volumes?.find((candidate) => candidate.name === name);
    const namespace = pod.metadata.namespace ?? '';
    const folder = path.join(this.#options.folder, pod.metadata.uid ?? '', name);
    mkdirSync(folder, { recursive: true });
    // The account's token comes by a kubeconfig instead of a projected volume.
    if (volume?.emptyDir || volume?.projected) return folder;
    if (volume?.nfs) return this.#shared(volume.nfs.path);
    if (volume?.persistentVolumeClaim) {
      const claim = await this.#read(
        `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
        volume.persistentVolumeClaim.claimName,
      );
      const persistent = await this.#read('/api/v1/persistentvolumes', claim.spec.volumeName);
      return this.#shared(persistent.spec.nfs.path);
    }
    if (volume?.configMap) {
      const { data } = await this.#read(`/api/v1/namespaces/${namespace}/configmaps`, volume.configMap.name);
      this.#configMaps.set(folder, data);
      return folder;
    }
    if (volume?.secret) {
      const { secretName, optional = false } = volume.secret;
      const found = await this.#read(`/api/v1/namespaces/${namespace}/secrets`, secretName, optional);
      for (const [key, value] of Object.entries<string>(found?.data ?? {})) {
        writeFileSync(path.join(folder, key), Buffer.from(value, 'base64'));
      }
      return folder;
    }
    throw new Error(`volume ${name} of pod ${namespace}/${pod.metadata.name}: the stand-in does not know its kind`);
  }

  /** An object that the pod cannot do without is waited for, as a kubelet does. */
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  async #read(collection: string, name: string, optional = false): Promise<any> {
    const found = await until(
      `${collection}/${name} exists`,
      async () => {
        if (this.#stopped) return null;
        const { status, body } = await this.#options.plane.request('GET', `${collection}/${name}`);
        if (status === 200) return body;
        return optional ? null : undefined;
      },
      600_000,
    );
    if (this.#stopped) throw new Error('the node is gone');
    return found;
  }

  #shared(nfsPath: string): string {
    const { share } = this.#options;
    if (nfsPath !== share.path && !nfsPath.startsWith(`${share.path}/`)) {
      throw new Error(`${nfsPath} is not below ${share.path}`);
    }
    return share.folder + nfsPath.slice(share.path.length);
  }

  /** Settings of programs name mount paths too. */
  #writeConfigMaps(mounts: ReadonlyArray<readonly [string, string]>, local: (text: string) => string): void {
    for (const [, folder] of mounts) {
      for (const [key, text] of Object.entries(this.#configMaps.get(folder) ?? {})) {
        const content = key === 'settings.json' ? JSON.stringify(eachString(JSON.parse(text), local)) : text;
        writeFileSync(path.join(folder, key), content);
      }
    }
  }

  async #kubeconfig(pod: Pod): Promise<string> {
    const { plane, folder } = this.#options;
    const file = path.join(folder, pod.metadata.uid ?? '', 'kubeconfig');
    if (pod.spec.automountServiceAccountToken === false) return file;
    const { namespace = '' } = pod.metadata;
    const account = pod.spec.serviceAccountName ?? 'default';
    const answer = await plane.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    if (answer.status !== 201) throw new Error(`no token for ${namespace}/${account}: ${answer.body?.message}`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'plane', cluster: { server: plane.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'pod', user: { token: answer.body.status.token } }],
      contexts: [{ name: 'pod', context: { cluster: 'plane', user: 'pod', namespace } }],
      'current-context': 'pod',
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }
}

function eachString(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((entry) => eachString(entry, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, eachString(entry, change)]));
}

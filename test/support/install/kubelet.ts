import { type ChildProcess, spawn } from 'node:child_process';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import type { Connection } from '../../../runtime/kubernetes/connection.ts';
import { type KubernetesObject, PODS, type Resource } from '../../../runtime/kubernetes/resources.ts';
import { environmentWithTools } from '../tools.ts';

const nodeName = 'stand-in';
const NODES: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };

/** A container as far as the stand-in looks at it. */
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: Array<{ name: string; value?: string }>;
  volumeMounts?: Array<{ name: string; mountPath: string; subPath?: string }>;
}

/** A pod as far as the stand-in looks at it. */
export interface Pod extends KubernetesObject {
  spec: {
    nodeName?: string;
    serviceAccountName?: string;
    automountServiceAccountToken?: boolean;
    containers: Container[];
    volumes?: Array<{
      name: string;
      configMap?: { name: string };
      secret?: { secretName: string; optional?: boolean };
      emptyDir?: object;
      projected?: object;
      persistentVolumeClaim?: { claimName: string };
      nfs?: { path: string };
    }>;
  };
  status?: { phase?: string };
}

/** A process of this machine. */
export interface LocalCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface KubeletOptions {
  /** Environment of Jobs' commands, by the pod's namespace. */
  readonly environment: (namespace: string) => Readonly<Record<string, string>>;
  /**
   * What a container of a Job runs here. It may wait for what the pod refers to, as a kubelet does.
   *
   * @default - the container's own command, with its own variables
   */
  readonly command?: (pod: Pod, container: Container) => Promise<LocalCommand>;
  /** Takes what Jobs write. @default - nobody reads it */
  readonly output?: (pod: Pod, text: string) => void;
}

/**
 * A node of the test plane: pods of Jobs run their command as a process of this machine, all others are ready at once.
 * Image, mounts and security settings are not looked at.
 */
export class Kubelet {
  readonly #client: KubernetesClient;
  readonly #ended = new AbortController();
  readonly #options: KubeletOptions;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #seen = new Set<string>();
  #heartbeat: NodeJS.Timeout | undefined;
  #loop: Promise<void> | undefined;

  constructor(connection: Connection, options: KubeletOptions) {
    this.#client = new KubernetesClient(connection);
    this.#options = options;
  }

  async start(): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } };
    await this.#client.raw('POST', '/api/v1/nodes', node);
    await this.#beat();
    this.#heartbeat = setInterval(() => void this.#beat().catch(() => undefined), 10_000);
    this.#loop = this.#watch();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    clearInterval(this.#heartbeat);
    for (const child of this.#processes.values()) child.kill('SIGKILL');
    await this.#loop?.catch(() => undefined);
    this.#client.close();
  }

  #beat(): Promise<unknown> {
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const space = { cpu: '1000', memory: '1000Gi', 'ephemeral-storage': '1000Gi', pods: '10000' };
    const ready = { type: 'Ready', status: 'True', reason: 'StandIn', lastHeartbeatTime: now, lastTransitionTime: now };
    return this.#client.patch(
      NODES,
      { name: nodeName, subresource: 'status' },
      { status: { capacity: space, allocatable: space, conditions: [ready] } },
      { type: 'strategic' },
    );
  }

  async #watch(): Promise<void> {
    for await (const event of this.#client.follow<Pod>(PODS, { signal: this.#ended.signal })) {
      if (event.type === 'LISTED') for (const pod of event.items) void this.#handle(pod);
      if (event.type === 'ADDED' || event.type === 'MODIFIED') void this.#handle(event.object);
    }
  }

  async #handle(pod: Pod): Promise<void> {
    const { uid = '', name = '', namespace = '', deletionTimestamp, ownerReferences = [] } = pod.metadata;
    try {
      if (deletionTimestamp !== undefined) {
        this.#processes.get(uid)?.kill('SIGKILL');
        await this.#client.raw('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds: 0 });
        return;
      }
      if (pod.spec.nodeName !== nodeName || this.#seen.has(uid)) return;
      this.#seen.add(uid);
      if (ownerReferences.some((owner) => owner.kind === 'Job')) await this.#runJob(pod);
      else await this.#setStatus(pod, 'Running', {});
    } catch {
      // The pod is gone, or the plane is: both end its life here.
    }
  }

  async #runJob(pod: Pod): Promise<void> {
    await this.#setStatus(pod, 'Running', {});
    let code = 0;
    for (const container of pod.spec.containers) code ||= await this.#runContainer(pod, container);
    await this.#setStatus(pod, code === 0 ? 'Succeeded' : 'Failed', { exitCode: code });
  }

  async #runContainer(pod: Pod, container: Container): Promise<number> {
    const { command: prepare = ownCommand, environment, output } = this.#options;
    const local = await prepare(pod, container).catch((error: Error) => {
      output?.(pod, `${error.message}\n`);
    });
    if (local === undefined) return 128;
    const { command, environment: own } = local;
    const [program = '', ...args] = command;
    return new Promise((resolve) => {
      const child = spawn(program, args, {
        env: environmentWithTools({ ...own, ...environment(pod.metadata.namespace ?? '') }),
        stdio: ['ignore', output ? 'pipe' : 'ignore', output ? 'pipe' : 'ignore'],
      });
      this.#processes.set(pod.metadata.uid ?? '', child);
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (text: Buffer) => output?.(pod, text.toString()));
      }
      child.on('error', () => resolve(127));
      child.on('exit', (code) => resolve(code ?? 137));
    });
  }

  #setStatus(pod: Pod, phase: string, end: { exitCode?: number }): Promise<unknown> {
    const ready = phase === 'Running' ? 'True' : 'False';
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    return this.#client.patch(
      PODS,
      { name: pod.metadata.name ?? '', namespace: pod.metadata.namespace, subresource: 'status' },
      {
        status: {
          phase,
          startTime: now,
          podIP: '10.244.0.1',
          conditions: ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({
            type,
            status: type === 'Initialized' ? 'True' : ready,
            lastTransitionTime: now,
          })),
          containerStatuses: pod.spec.containers.map(({ name, image }) => ({
            name,
            image,
            imageID: image,
            restartCount: 0,
            ready: ready === 'True',
            started: ready === 'True',
            state:
              end.exitCode === undefined
                ? { running: { startedAt: now } }
                : { terminated: { exitCode: end.exitCode, finishedAt: now, startedAt: now, reason: 'Ended' } },
          })),
        },
      },
      { type: 'strategic' },
    );
  }
}

async function ownCommand(_: Pod, { command = [], args = [], env = [] }: Container): Promise<LocalCommand> {
  return {
    command: [...command, ...args],
    environment: Object.fromEntries(env.map(({ name, value }) => [name, value ?? ''])),
  };
}

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { isReason } from '../../../runtime/kubernetes/errors.ts';
import { APPLICATIONS, type KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import type { Plane } from '../plane.ts';
import { type Finished, output, run, until } from '../processes.ts';
import { environmentWithTools } from '../tools.ts';
import { resourceVersions } from './cluster-state.ts';
import { namespacesOf, renderFixture } from './fixture.ts';
import { Kubelet } from './kubelet.ts';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** What surrounds the systems of a test: a plane with a node, an issuer, an ingress class, and something that answers HTTP. */
export class World {
  readonly plane: Plane;
  readonly #kubelet: Kubelet;
  readonly #server: Server;
  readonly #client: KubernetesClient;
  readonly #ended = new AbortController();
  readonly #systems = new Map<string, TestSystem>();
  readonly #turns = new Map<string, Promise<void>>();
  #argoCd: Promise<void> | undefined;

  private constructor(plane: Plane, kubelet: Kubelet, server: Server, client: KubernetesClient) {
    this.plane = plane;
    this.#kubelet = kubelet;
    this.#server = server;
    this.#client = client;
  }

  static async start(plane: Plane): Promise<World> {
    const server = createServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connection = {
      server: plane.url,
      skipTlsVerify: true,
      token: async () => 'admin-token',
      namespace: 'default',
      context: 'test',
    };
    let world: World | undefined;
    const kubelet = new Kubelet(connection, { environment: (namespace) => world?.environmentOf(namespace) ?? {} });
    world = new World(plane, kubelet, server, new KubernetesClient(connection));
    await kubelet.start();
    await plane.apply([
      definition('cert-manager.io', 'clusterissuers', 'ClusterIssuer', 'Cluster'),
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'traefik' },
        spec: { controller: 'stand-in.invalid/traefik' },
      },
    ]);
    await output('bash', ['-c', 'until kubectl get clusterissuers >/dev/null 2>&1; do sleep 0.1; done'], {
      env: environmentWithTools({ KUBECONFIG: plane.kubeconfig }),
    });
    await plane.apply([
      { apiVersion: 'cert-manager.io/v1', kind: 'ClusterIssuer', metadata: { name: 'ca-issuer' }, spec: {} },
    ]);
    world.#argoCd = world.#playArgoCd();
    await until('the control plane has settled', async () => {
      const before = await resourceVersions(plane);
      // What the controllers make by themselves in every namespace, as the last thing of their start.
      for (const namespace of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) {
        if (!(`/api/v1/configmaps ${namespace}/kube-root-ca.crt` in before)) return undefined;
        if (namespace !== 'kube-system' && !(`/api/v1/serviceaccounts ${namespace}/default` in before))
          return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return isDeepStrictEqual(await resourceVersions(plane), before) ? true : undefined;
    });
    return world;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** A small system in a checkout of its own. */
  async add(name: string, options: { readonly reduced?: boolean } = {}): Promise<TestSystem> {
    const system = new TestSystem(this, name, options.reduced ?? false);
    this.#systems.set(name, system);
    await system.prepare();
    return system;
  }

  environmentOf(namespace: string): Readonly<Record<string, string>> {
    for (const system of this.#systems.values()) {
      if (Object.values<string>(namespacesOf(system.name)).includes(namespace)) {
        return { VOLUME: system.volume, FORGE: system.forge, KUBECONFIG: this.plane.kubeconfig };
      }
    }
    return { KUBECONFIG: this.plane.kubeconfig };
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#kubelet.stop();
    await this.#argoCd?.catch(() => undefined);
    this.#client.close();
    this.#server.close();
    for (const system of this.#systems.values())
      rmSync(system.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Stands for Argo CD: syncs the revision that the forge shows, by applying gitops/ of the checkout. */
  async #playArgoCd(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        for await (const event of this.#client.follow(APPLICATIONS, { signal: this.#ended.signal })) {
          if (event.type === 'LISTED') for (const item of event.items) this.#noticed(item);
          if (event.type === 'ADDED' || event.type === 'MODIFIED') this.#noticed(event.object);
        }
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  /** One sync after the other for each system, all systems side by side. */
  #noticed(application: KubernetesObject): void {
    const namespace = application.metadata.namespace ?? '';
    const turn = (this.#turns.get(namespace) ?? Promise.resolve()).then(() => this.#sync(application));
    this.#turns.set(
      namespace,
      turn.catch(() => undefined),
    );
  }

  async #sync(application: KubernetesObject): Promise<void> {
    const { name = '', namespace = '', deletionTimestamp, annotations = {} } = application.metadata;
    const system = [...this.#systems.values()].find((one) => namespacesOf(one.name).argoCd === namespace);
    if (name !== 'root' || system === undefined || deletionTimestamp !== undefined) return;
    const revision = await system.forgeRevision();
    const status = application.status as { sync?: { revision?: string } } | undefined;
    const asked = 'argocd.argoproj.io/refresh' in annotations;
    if (revision === undefined || (status?.sync?.revision === revision && !asked)) return;
    await run(
      'kubectl',
      [
        'apply',
        '--server-side',
        '--force-conflicts',
        '--field-manager=argocd-controller',
        '--recursive',
        '-f',
        path.join(system.checkout, 'dist', system.name, 'gitops'),
      ],
      {
        env: environmentWithTools({ KUBECONFIG: this.plane.kubeconfig }),
      },
    );
    await this.#client
      .patch(
        APPLICATIONS,
        { name, namespace },
        {
          metadata: { annotations: { 'argocd.argoproj.io/refresh': null } },
          status: { sync: { revision, status: 'Synced' } },
        },
      )
      .catch(() => undefined);
  }
}

/** One small system, with its checkout, forge, volume and operator's folder below `folder`. */
export class TestSystem {
  readonly world: World;
  readonly name: string;
  readonly folder = mkdtempSync(path.join(tmpdir(), 'install-'));
  readonly checkout = path.join(this.folder, 'checkout');
  readonly forge = path.join(this.folder, 'forge');
  readonly volume = path.join(this.folder, 'volume');
  readonly state = path.join(this.folder, 'state');

  readonly #reduced: boolean;

  constructor(world: World, name: string, reduced: boolean) {
    this.world = world;
    this.name = name;
    this.#reduced = reduced;
  }

  async prepare(): Promise<void> {
    for (const part of [this.checkout, this.forge, this.volume]) mkdirSync(part, { recursive: true });
    for (const part of ['runmefirst.sh', 'runmelast.sh', 'install', 'test/support/install/charts']) {
      cpSync(path.join(checkout, part), path.join(this.checkout, part), { recursive: true });
    }
    this.render();
    await this.git('init', '--quiet', '--initial-branch=main');
    await this.commit('first');
  }

  /** Writes dist/ anew. */
  render(): void {
    const files = renderFixture({
      name: this.name,
      forgeUrl: `file://${this.forge}/pipelines.git`,
      registryUrl: `http://127.0.0.1:${this.world.port}/v2/`,
      registryPort: this.world.port,
      reduced: this.#reduced,
    });
    for (const file of files) {
      const target = path.join(this.checkout, 'dist', this.name, file.path);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, file.content);
      if (file.executable) chmodSync(target, 0o755);
    }
  }

  git(...args: string[]): Promise<string> {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    return output('git', ['-C', this.checkout, ...identity, ...args]);
  }

  async commit(message: string): Promise<void> {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--message', message);
  }

  install(...args: string[]): Promise<Finished> {
    return this.script('runmefirst.sh', args);
  }

  teardown(...args: string[]): Promise<Finished> {
    return this.script('runmelast.sh', args);
  }

  script(name: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
    return run('bash', [path.join(this.checkout, name), this.name, '--state', this.state, '--yes', ...args], {
      env: this.environment(environment),
      timeout: 300_000,
    });
  }

  environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return environmentWithTools({ KUBECONFIG: this.world.plane.kubeconfig, ...more });
  }

  /** The commit of `main` in the forge. */
  async forgeRevision(): Promise<string | undefined> {
    const repository = path.join(this.forge, 'pipelines.git');
    if (!existsSync(repository)) return undefined;
    const result = await run('git', ['--git-dir', repository, 'rev-parse', '--verify', '--quiet', 'refs/heads/main']);
    return result.code === 0 ? result.stdout.trim() : undefined;
  }

  /** Everything below a folder, as path -> content. */
  files(folder: string): Readonly<Record<string, string>> {
    if (!existsSync(folder)) return {};
    return Object.fromEntries(
      (readdirSync(folder, { recursive: true, withFileTypes: true }) as import('node:fs').Dirent[])
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .sort()
        .map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]),
    );
  }
}

function definition(group: string, plural: string, kind: string, scope: 'Cluster' | 'Namespaced') {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}

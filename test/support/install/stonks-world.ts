import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubernetesClient } from '../../../runtime/kubernetes/client.ts';
import { isReason } from '../../../runtime/kubernetes/errors.ts';
import { APPLICATIONS, type KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import { git } from '../../../runtime/state/git.ts';
import { GiteaStandIn } from '../../unit/forge-setup/gitea-stand-in.ts';
import { WoodpeckerStandIn } from '../../unit/forge-setup/woodpecker-stand-in.ts';
import { commitTo } from '../git-server.ts';
import { crdFolder, type Plane } from '../plane.ts';
import { type Finished, output, run } from '../processes.ts';
import { renderedFiles } from '../rendered.ts';
import { environmentWithTools } from '../tools.ts';
import { Kubelet, type Pod } from './kubelet.ts';
import { PodFolders } from './stonks-pods.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const system = 'stonks-oracle';
const rootApplication = 'stonks-oracle-root';
const share = '/volume1/Kubernetes/pipelines';
const argoCdAccount = 'system:serviceaccount:argocd:argocd-application-controller';

/**
 * The rendered Stonks Oracle on a throw-away plane: its scripts, plan, objects and programs are the real ones. Stand-ins play
 * Gitea, Woodpecker, the registry, the charts and Argo CD; a folder plays the NFS server.
 */
export class StonksWorld {
  readonly plane: Plane;
  readonly gitea: GiteaStandIn;
  readonly woodpecker: WoodpeckerStandIn;
  readonly folder = mkdtempSync(path.join(tmpdir(), 'stonks-'));
  readonly checkout = path.join(this.folder, 'checkout');
  /** What the NFS server exports. */
  readonly share = path.join(this.folder, 'share');
  /** The operator's own folder. */
  readonly state = path.join(this.folder, 'state');
  /** What Jobs wrote, by pod. */
  readonly jobs = new Map<string, string>();

  readonly #registry: Server = createServer((_, response) => response.end('{}'));
  readonly #ended = new AbortController();
  readonly #client: KubernetesClient;
  readonly #kubelet: Kubelet;
  readonly #pods: PodFolders;
  #argoCd: Promise<void> | undefined;
  #syncs: Promise<void> = Promise.resolve();

  private constructor(plane: Plane) {
    this.plane = plane;
    this.gitea = new GiteaStandIn(path.join(this.folder, 'empty.git'));
    this.woodpecker = new WoodpeckerStandIn(this.gitea);
    const connection = {
      server: plane.url,
      skipTlsVerify: true,
      token: async () => 'admin-token',
      namespace: 'default',
      context: 'test',
    };
    this.#client = new KubernetesClient(connection);
    this.#pods = new PodFolders({
      plane,
      folder: path.join(this.folder, 'pods'),
      share: { path: share, folder: this.share },
      standIn: (pod, local) => this.#standIn(pod, local),
    });
    this.#kubelet = new Kubelet(connection, {
      environment: () => ({}),
      command: async (pod, container) => {
        if (pod.metadata.name?.startsWith('woodpecker-setup')) await this.#startWoodpecker();
        return this.#pods.command(pod, container);
      },
      output: ({ metadata }, text) => {
        const name = `${metadata.namespace}/${metadata.name}`;
        this.jobs.set(name, (this.jobs.get(name) ?? '') + text);
      },
    });
  }

  /** The plane has the definitions of cert-manager and Traefik, as the cluster of the settings has. */
  static async start(plane: Plane): Promise<StonksWorld> {
    const world = new StonksWorld(plane);
    await world.#prepare();
    return world;
  }

  install(...args: string[]): Promise<Finished> {
    return this.#script('runmefirst.sh', args);
  }

  teardown(...args: string[]): Promise<Finished> {
    return this.#script('runmelast.sh', args);
  }

  /** Environment of scripts and tools. */
  environment(): NodeJS.ProcessEnv {
    return environmentWithTools({ KUBECONFIG: this.plane.kubeconfig });
  }

  /** The commit of a branch in the forge. */
  async revision(branch: string): Promise<string | undefined> {
    const { code, stdout } = await run('git', [
      ...['--git-dir', this.gitea.gitFolder('stonks/pipelines')],
      ...['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`],
    ]);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Everything that Jobs wrote, for the message of a failed expectation. */
  jobOutput(): string {
    return [...this.jobs].map(([pod, text]) => `--- ${pod}\n${text}`).join('\n');
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    this.#pods.stop();
    await this.#kubelet.stop();
    await this.#argoCd?.catch(() => undefined);
    await this.#syncs;
    this.#client.close();
    this.#registry.close();
    await Promise.all([this.gitea.stop(), this.woodpecker.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #script(name: string, args: readonly string[]): Promise<Finished> {
    return run('bash', [path.join(this.checkout, name), system, '--state', this.state, '--yes', ...args], {
      env: this.environment(),
      timeout: 900_000,
    });
  }

  async #prepare(): Promise<void> {
    await git(['init', '--bare', '--quiet', '--initial-branch=main', path.join(this.folder, 'empty.git')]);
    const source = path.join(this.folder, 'source.git');
    await git(['init', '--bare', '--quiet', '--initial-branch=main', source]);
    await commitTo(source, 'main', 'README.md', 'The application as it is outside.\n');
    mkdirSync(this.share);
    await Promise.all([
      this.gitea.start(),
      this.woodpecker.start(),
      new Promise<void>((resolve) => this.#registry.listen(0, '127.0.0.1', resolve)),
    ]);
    this.woodpecker.admins.add('forge-admin');
    await this.#makeCheckout(source);
    await this.#kubelet.start();
    this.#argoCd = this.#playArgoCd();
  }

  /** A clone of this repository with its rendered system; addresses and charts are those of the stand-ins. */
  async #makeCheckout(source: string): Promise<void> {
    const { port } = this.#registry.address() as AddressInfo;
    const addresses = [
      ['http://10.1.1.12:30300', this.gitea.url],
      ['https://registry.celestium.life/v2/', `http://127.0.0.1:${port}/v2/`],
      ['host=192.168.42.8\tport=2049', `host=127.0.0.1\tport=${port}`],
      ['"https://github.com/celesrenata/stonks-oracle.git"', JSON.stringify(`file://${source}`)],
      ['"https://stonks-ci.celestium.life', `"${this.woodpecker.url}`],
      ['http://woodpecker-server.woodpecker.svc.cluster.local:8000', this.woodpecker.url],
    ] as const;
    for (const part of ['runmefirst.sh', 'runmelast.sh', 'install']) {
      cpSync(path.join(repository, part), path.join(this.checkout, part), { recursive: true });
    }
    for (const chart of ['argo-cd', 'kargo']) {
      const folder = path.join(this.checkout, 'charts', chart);
      cpSync(path.join(repository, 'test/support/install/charts', `stonks-${chart}`), folder, { recursive: true });
      cpSync(path.join(crdFolder, chart), path.join(folder, 'crds'), { recursive: true });
    }
    for (const file of renderedFiles(system)) {
      const target = path.join(this.checkout, 'dist', system, file.path);
      mkdirSync(path.dirname(target), { recursive: true });
      let text = addresses.reduce((done, [from, to]) => done.replaceAll(from, to), file.content);
      if (file.path.endsWith('plan.tsv')) text = text.replaceAll(chartFields, (_, name) => `\tchart=./charts/${name}`);
      writeFileSync(target, text);
      if (file.executable) chmodSync(target, 0o755);
    }
    const plan = readFileSync(path.join(this.checkout, 'dist', system, 'install/plan.tsv'), 'utf8');
    for (const [from] of addresses.slice(0, 3))
      if (plan.includes(from)) throw new Error(`${from} is still in the plan`);
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    await output('git', ['-C', this.checkout, 'init', '--quiet', '--initial-branch=main']);
    await output('git', ['-C', this.checkout, 'add', '--all']);
    await output('git', ['-C', this.checkout, ...identity, 'commit', '--quiet', '--message', 'rendered']);
  }

  #standIn(pod: Pod, local: (path: string) => string): readonly string[] {
    const name = pod.metadata.name ?? '';
    if (name.startsWith('share-directories')) {
      return ['mkdir', '-p', ...['argocd', 'kargo', 'woodpecker'].map((part) => local(`/share/${part}`))];
    }
    if (name.startsWith('woodpecker-postgres-')) {
      const folder = local('/var/lib/postgresql/data/backups');
      return ['bash', '-euc', `mkdir -p '${folder}'; echo PGDMP stand-in > '${folder}/woodpecker-1.dump'`];
    }
    if (name.startsWith('sandbox-sweeper')) return ['true'];
    throw new Error(`pod ${name} runs a program that the stand-in does not know`);
  }

  /** The server reads its OAuth2 application when it starts. */
  async #startWoodpecker(): Promise<void> {
    const { body } = await this.plane.request('GET', '/api/v1/namespaces/woodpecker/secrets/woodpecker-oauth');
    const value = (key: string) => Buffer.from(body.data[key], 'base64').toString();
    this.woodpecker.client = { id: value('client-id'), secret: value('client-secret') };
  }

  async #playArgoCd(): Promise<void> {
    const notice = ({ metadata }: KubernetesObject) => {
      if (metadata.name !== rootApplication) return;
      this.#syncs = this.#syncs.then(() => this.#sync()).catch(() => undefined);
    };
    while (!this.#ended.signal.aborted) {
      try {
        for await (const event of this.#client.follow(APPLICATIONS, { signal: this.#ended.signal })) {
          if (event.type === 'LISTED') event.items.forEach(notice);
          if (event.type === 'ADDED' || event.type === 'MODIFIED') notice(event.object);
        }
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** What the root Application does: applies gitops/ of the revision in the forge, under Argo CD's name. */
  async #sync(): Promise<void> {
    const [name, namespace] = [rootApplication, 'argocd'];
    const application = await this.#client.find(APPLICATIONS, name, namespace);
    if (application === undefined || application.metadata.deletionTimestamp !== undefined) return;
    const { metadata, status } = application;
    const revision = await this.revision('main');
    const shown = (status as { sync?: { revision?: string } } | undefined)?.sync?.revision;
    const asked = 'argocd.argoproj.io/refresh' in (metadata.annotations ?? {});
    if (revision === undefined || (shown === revision && !asked)) return;
    const result = await this.plane.kubectl([
      ...['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller'],
      ...[`--as=${argoCdAccount}`, '--as-group=system:masters', '--as-group=system:authenticated'],
      ...['--recursive', '-f', path.join(this.checkout, 'dist', system, 'gitops')],
    ]);
    if (result.code !== 0) {
      this.jobs.set('argocd/sync', result.stderr);
      return;
    }
    const patch = {
      metadata: { annotations: { 'argocd.argoproj.io/refresh': null } },
      status: { sync: { revision, status: 'Synced' } },
    };
    // Only Argo CD itself may say what is synced.
    const answer = await this.plane.request(
      'PATCH',
      `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications/${name}`,
      patch,
      {
        as: argoCdAccount,
        groups: ['system:masters', 'system:authenticated'],
        contentType: 'application/merge-patch+json',
      },
    );
    if (answer.status !== 200) this.jobs.set('argocd/sync', JSON.stringify(answer.body));
  }
}

const chartFields = /\tchart=(?:\S*\/)?([a-z-]+)(?:\trepository=[^\t\n]*)?/g;

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { applyChanges } from '../../../tools/app/apply.ts';
import { planMigration } from '../../../tools/app/plan.ts';
import { Checkout } from '../../../tools/app/repository.ts';
import { Forge } from './forge.ts';
import { commitAll, git, gitEnvironment, SampleFolders } from './sample.ts';
import { type PipelineResult, type PipelineRun, runPipeline } from './woodpecker-runner.ts';

/** What stands in for the programs of the images; each notes its call. */
const stubs = {
  pip: '',
  ruff: '',
  pytest: '',
  npm: '',
  npx: '',
  kubectl: 'cat >/dev/null',
  curl: `echo '{"symbol": "BRK.B", "action": "buy", "status": "ok"}'`,
} as const;

export type StubName = keyof typeof stubs;

/**
 * The migrated sample application in a real Git repository, a forge with registry, and a place for the mirror: everything
 * that a run of its pipeline touches.
 */
export class Delivery {
  readonly folders = new SampleFolders();
  readonly forge: Forge;
  /** The bare repository of the forge. */
  readonly source: string;
  /** The bare repository that is mirrored to. */
  readonly target: string;
  readonly commit: string;
  secrets: Record<string, string>;
  #number = 0;

  private constructor(forge: Forge, folders: SampleFolders, source: string, target: string, commit: string) {
    this.forge = forge;
    this.folders = folders;
    this.source = source;
    this.target = target;
    this.commit = commit;
    this.secrets = { forge_token: forge.token, github_token: 'token-of-github' };
  }

  static async start(): Promise<Delivery> {
    const folders = new SampleFolders();
    const checkout = await folders.checkout();
    const dist = path.join(folders.rendered(), 'stonks-oracle');
    const migration = JSON.parse(readFileSync(path.join(dist, 'migration.json'), 'utf8'));
    applyChanges(new Checkout(checkout), planMigration(new Checkout(checkout), migration, dist));
    const commit = await commitAll(checkout, 'migrated');
    const [source, target] = ['source.git', 'target.git'].map((name) => path.join(folders.root, name)) as [
      string,
      string,
    ];
    await git(folders.root, 'clone', '--quiet', '--bare', checkout, source);
    await git(folders.root, 'init', '--quiet', '--bare', '--initial-branch=main', target);
    return new Delivery(await Forge.start(), folders, source, target, commit);
  }

  async stop(): Promise<void> {
    await this.forge.stop();
    this.folders.remove();
  }

  /** Runs the pipeline of the sample's last commit. */
  async run(options: Partial<PipelineRun> & { readonly failing?: readonly StubName[] } = {}): Promise<PipelineResult> {
    return runPipeline({ ...(await this.prepare(options.failing)), ...options });
  }

  /** A fresh working copy and everything else that a run needs. */
  async prepare(failing: readonly StubName[] = []): Promise<PipelineRun> {
    this.#number += 1;
    const workspace = path.join(this.folders.root, `run-${this.#number}`);
    await git(this.folders.root, 'clone', '--quiet', this.source, workspace);
    this.pointAtForge(path.join(workspace, '.pipelines/evidence.json'));
    return {
      file: readFileSync(path.join(workspace, '.woodpecker.yml'), 'utf8'),
      workspace,
      event: 'push',
      branch: 'main',
      commit: this.commit,
      number: this.#number,
      secrets: this.secrets,
      environment: this.environment(failing),
      plugin: (_, settings) => this.build(settings),
    };
  }

  /** Calls of the stubs in the last run, as they were typed. */
  calls(): readonly string[] {
    return readFileSync(path.join(this.folders.root, 'calls'), 'utf8').trim().split('\n');
  }

  /** What plugin-docker-buildx does with its settings. */
  build(settings: Readonly<Record<string, unknown>>): void {
    const repository = String(settings.repo).replace('registry.celestium.life/stonks-oracle/', '');
    for (const tag of settings.tags as readonly unknown[]) {
      if (typeof tag !== 'string') {
        throw new Error(`tag ${tag} is no text`);
      }
      this.forge.images.push(`${repository}:${tag}`);
    }
  }

  private pointAtForge(file: string): void {
    const text = readFileSync(file, 'utf8')
      .replaceAll('http://10.1.1.12:30300', this.forge.url)
      .replaceAll('https://registry.celestium.life', this.forge.url);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(text), timeoutSeconds: 5, attempts: 1 }));
  }

  private environment(failing: readonly StubName[]): NodeJS.ProcessEnv {
    const bin = path.join(this.folders.root, 'bin');
    const calls = path.join(this.folders.root, 'calls');
    rmSync(bin, { recursive: true, force: true });
    mkdirSync(bin);
    writeFileSync(calls, '');
    for (const [name, body] of Object.entries(stubs)) {
      const file = path.join(bin, name);
      const end = failing.includes(name as StubName) ? 'exit 1' : body;
      writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>'${calls}'\n${end}\n`);
      chmodSync(file, 0o755);
    }
    return {
      ...gitEnvironment,
      PATH: `${bin}:${process.env.PATH}`,
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: `url.${this.source}.insteadOf`,
      GIT_CONFIG_VALUE_0: 'http://10.1.1.12:30300/stonks/stonks-oracle.git',
      GIT_CONFIG_KEY_1: `url.${this.target}.insteadOf`,
      GIT_CONFIG_VALUE_1: 'https://github.com/celesrenata/stonks-oracle.git',
    };
  }
}

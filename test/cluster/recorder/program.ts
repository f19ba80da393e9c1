import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../../model/audit/record.ts';
import { verifyFiles } from '../../../model/audit/verify.ts';
import { freePorts, stop } from '../../support/processes.ts';
import { FakeCluster, project } from '../../unit/recorder/fake-cluster.ts';

const bundle = fileURLToPath(new URL('../../../build/runtime/recorder.cjs', import.meta.url));

/** The recorder as it is shipped, in a process of its own, against a fake API server. */
export class RecorderProgram {
  readonly cluster: FakeCluster;
  readonly folder: string;
  readonly url: string;
  readonly auditFolder: string;
  child: ChildProcess | undefined;
  output = '';
  private readonly settings: string;

  private constructor(cluster: FakeCluster, folder: string, port: number, change: object) {
    this.cluster = cluster;
    this.folder = folder;
    this.auditFolder = path.join(folder, 'audit');
    this.url = `http://127.0.0.1:${port}`;
    this.settings = path.join(folder, 'settings.json');
    mkdirSync(this.auditFolder);
    const settings = {
      project,
      folder: this.auditFolder,
      listen: { host: '127.0.0.1', port },
      lease: { namespace: 'kargo' },
      rotateBytes: 64 * 1024,
      ...change,
    };
    writeFileSync(this.settings, JSON.stringify(settings));
  }

  static async make(change: object = {}): Promise<RecorderProgram> {
    const [port] = await freePorts(1);
    return new RecorderProgram(
      await FakeCluster.start(),
      mkdtempSync(path.join(tmpdir(), 'recorder-program-')),
      port!,
      change,
    );
  }

  /**
   * @param prefix command that runs node, for example with limits
   * @param more environment, for example another KUBECONFIG
   */
  start(prefix: readonly string[] = [], more: NodeJS.ProcessEnv = {}): ChildProcess {
    const [command, ...args] = [...prefix, process.execPath, bundle, this.settings];
    const env = { ...process.env, KUBECONFIG: this.cluster.kubeconfig, POD_NAME: 'audit-recorder-0', ...more };
    const child = spawn(command!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: string) => {
      this.output = (this.output + text).slice(-20_000);
    };
    child.stdout!.setEncoding('utf8').on('data', keep);
    child.stderr!.setEncoding('utf8').on('data', keep);
    this.child = child;
    return child;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child) await stop(this.child, signal);
  }

  files(): { name: string; content: Buffer }[] {
    return readdirSync(this.auditFolder)
      .filter((name) => name.startsWith('audit-'))
      .sort()
      .map((name) => ({ name, content: readFileSync(path.join(this.auditFolder, name)) }));
  }

  /** The whole log, checked; throws when the chain is not whole. A line that is being written does not count. */
  records(): AuditRecord[] {
    const records: AuditRecord[] = [];
    const report = verifyFiles(this.files(), { onRecord: (record) => records.push(record) });
    const problems = report.problems.filter((problem) => problem.kind !== 'torn');
    if (problems.length > 0) throw new Error(`the chain is broken: ${JSON.stringify(problems)}\n${this.output}`);
    return records;
  }

  async end(): Promise<void> {
    await this.kill();
    await this.cluster.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

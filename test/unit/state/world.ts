import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatePart, StateSettings } from '../../../model/state/settings.ts';
import type { KubernetesObject } from '../../../runtime/kubernetes/resources.ts';
import type { CommandContext } from '../../../runtime/state/commands.ts';
import { KubernetesStandIn } from '../../support/kubernetes-stand-in.ts';
import { project, sampleState, stageNames } from './sample.ts';

export const kargoApi = `/apis/kargo.akuity.io/v1alpha1`;

/** A cluster, a volume and a key. */
export class StateWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'state-'));
  readonly volume = join(this.folder, 'volume');
  readonly lines: string[] = [];
  time = new Date('2026-10-05T12:00:00.000Z');
  cluster!: KubernetesStandIn;

  static async start(): Promise<StateWorld> {
    const world = new StateWorld();
    world.cluster = await KubernetesStandIn.start();
    world.writeKey('5e'.repeat(32));
    return world;
  }

  writeKey(key: string): void {
    writeFileSync(join(this.folder, 'key'), `${key}\n`);
  }

  settings(part: StatePart = 'kargo', more: Partial<StateSettings> = {}): StateSettings {
    return {
      format: 'state-settings/1',
      system: 'stonks-oracle',
      part,
      folder: this.volume,
      keyFile: join(this.folder, 'key'),
      retention: { recent: 3, daily: 2 },
      ...(part === 'kargo'
        ? { kargo: { project, controllerNamespace: 'kargo', stages: [...stageNames], spacedPerStage: 0 } }
        : {}),
      ...more,
    };
  }

  /** For the commands; each call is a minute later than the one before. */
  context(settings: StateSettings = this.settings()): CommandContext {
    this.time = new Date(this.time.getTime() + 60_000);
    const now = this.time;
    return { settings, client: () => this.cluster.client, now: () => now, log: (line) => this.lines.push(line) };
  }

  /** Puts Kargo's objects into the cluster. */
  populate(counts = { freights: 6, promotions: 24 }): void {
    const sample = sampleState(counts);
    const put = (plural: string, object: KubernetesObject): void =>
      this.cluster.put(`${kargoApi}/namespaces/${project}/${plural}/${object.metadata.name}`, object);
    this.cluster.put(`/api/v1/namespaces/${project}`, {
      metadata: { name: project, labels: { 'kargo.akuity.io/project': 'true' } },
    });
    this.cluster.put(`${kargoApi}/projects/${project}`, sample.project);
    put('warehouses', sample.warehouse);
    for (const stage of sample.stages) put('stages', stage);
    for (const freight of sample.freights) put('freights', freight);
    for (const promotion of sample.promotions) put('promotions', promotion);
  }

  /** The cluster is gone; the volume stays. */
  async loseCluster(): Promise<void> {
    await this.cluster.stop();
    this.cluster = await KubernetesStandIn.start();
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

import { Construct } from 'constructs';
import { AppProject } from '../../imports/argoproj.io.ts';
import type { SyncWindow } from '../../model/promotion-window/index.ts';
import { thisCluster } from './names.ts';
import { syncAnnotations, syncWave } from './sync.ts';

/** A kind of objects; `*` stands for any. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** Hours in which Argo CD syncs nothing by itself. */
export interface ClosedHours {
  readonly window: SyncWindow;
  /** Names of the Applications that it holds for. */
  readonly applications: readonly string[];
}

export interface DeliveryProjectProps {
  readonly name: string;
  readonly description: string;
  /** Repositories that its Applications may take manifests from. R25.1 */
  readonly repositories: readonly string[];
  /** Namespaces that they may write to. R13.1 */
  readonly namespaces: readonly string[];
  /** Cluster-scoped kinds that they may write. @default - none */
  readonly clusterResources?: readonly GroupKind[];
  /** Namespaced kinds that they may not write. @default - none; `pipelineKinds` for a project of workloads */
  readonly refusedResources?: readonly GroupKind[];
  /**
   * Closed hours. A sync by hand passes, and so does a promotion of Kargo that a person started: whether one may be
   * promoted is decided by the gate, once and for all ways. R18.1, R25.2 @default - none
   */
  readonly closedHours?: readonly ClosedHours[];
  /** @default - the wave of Applications */
  readonly wave?: number;
}

/** Kinds that decide about deliveries: a chart of a workload has no business with them. */
export const pipelineKinds: readonly GroupKind[] = [
  { group: 'kargo.akuity.io', kind: '*' },
  { group: 'argoproj.io', kind: '*' },
];

/** Every kind, for the project of the pipeline itself. */
export const everyKind: GroupKind = { group: '*', kind: '*' };

/** What a set of Applications may read and write, and when. */
export class DeliveryProject extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DeliveryProjectProps) {
    super(scope, id);
    this.name = props.name;
    new AppProject(this, 'AppProject', {
      metadata: {
        name: props.name,
        annotations: syncAnnotations({ wave: props.wave ?? syncWave.applications - 1, keep: true }),
      },
      spec: {
        description: props.description,
        sourceRepos: [...props.repositories],
        destinations: props.namespaces.map((namespace) => ({ server: thisCluster, namespace })),
        clusterResourceWhitelist: [...(props.clusterResources ?? [])],
        namespaceResourceBlacklist: props.refusedResources && [...props.refusedResources],
        syncWindows: props.closedHours?.map(({ window, applications }) => ({
          kind: 'deny',
          schedule: window.schedule,
          duration: window.duration,
          timeZone: window.timeZone,
          applications: [...applications],
          manualSync: true,
        })),
      },
    });
  }
}

/** Shuts the project `default`, which Argo CD makes by itself and which would allow everything. */
export class ShutDefaultProject extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new DeliveryProject(this, 'Default', {
      name: 'default',
      description: 'Allows nothing; every Application belongs to a project of its own',
      repositories: [],
      namespaces: [],
    });
  }
}

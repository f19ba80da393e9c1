/** Which component's state a run of the program saves or brings back: each has a volume and a namespace of its own (R24.4). */
export type StatePart = 'kargo' | 'argocd' | 'woodpecker';

/** How many snapshots stay on the volume. The latest one always stays. */
export interface Retention {
  /** The newest ones, counted. */
  readonly recent: number;
  /** The newest one of each day, for this many days. */
  readonly daily: number;
}

/** A Git repository that is saved as a bundle of all its branches and tags. */
export interface SavedRepository {
  /** Name in the snapshot, for example `pipelines`. */
  readonly name: string;
  /** Where it is cloned from and, when it was lost, pushed to. */
  readonly url: string;
  /** Files with the user's name and password. @default - none: the repository is public */
  readonly credentials?: { readonly usernameFile: string; readonly passwordFile: string };
  /** Certificate authority of the server, PEM. @default - the system's */
  readonly caFile?: string;
}

/** What the program `state` needs to know, as the JSON file in its ConfigMap. */
export interface StateSettings {
  readonly format: 'state-settings/1';
  /** Name of the system, as in dist/<system>. */
  readonly system: string;
  /** Systems whose snapshots are taken over, because this one replaces them on the same volume. @default - none */
  readonly predecessors?: readonly string[];
  readonly part: StatePart;
  /** Folder of the snapshots; it belongs to this part alone. */
  readonly folder: string;
  /** File with the key of the snapshots: 64 hex digits. */
  readonly keyFile: string;
  readonly retention: Retention;
  /** For the part `kargo`. */
  readonly kargo?: {
    /** The Kargo project; its namespace has the same name. */
    readonly project: string;
    /** Namespace of Kargo's own workloads. */
    readonly controllerNamespace: string;
    /** Every stage that exists, switched on or off: a snapshot without one of them never becomes the latest. */
    readonly stages: readonly string[];
    /**
     * How many of the newest promotions of each stage are made one second apart when they come back, since the dashboard sorts by
     * a time stamp that the API server gives, in whole seconds.
     */
    readonly spacedPerStage: number;
  };
  /** For the part `argocd`. */
  readonly argocd?: {
    readonly namespace: string;
    /** Applications that must be in every snapshot. */
    readonly applications: readonly string[];
  };
  /** For the part `woodpecker`. */
  readonly woodpecker?: {
    /** Folder with the files of pg_dump; the newest one is taken. */
    readonly dumpFolder: string;
    /** A dump older than this many hours is refused. */
    readonly maxAgeHours: number;
  };
  readonly repositories?: readonly SavedRepository[];
  /** Secrets that are saved, and made again where they are missing. */
  readonly secrets?: readonly { readonly namespace: string; readonly name: string }[];
}

/** Name of the ConfigMap that marks a restore, in the namespace of Kargo's workloads. */
export const restoreMarker = 'pipelines-restore';

/** Field manager of everything that Git owns: Argo CD's own, so that fields dropped in Git later are dropped in the cluster. */
export const gitOpsFieldManager = 'argocd-controller';

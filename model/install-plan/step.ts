/** Seconds, whole and positive. */
export type Seconds = number;

/** An object that the step waits for or acts on. */
export interface ObjectName {
  /** As kubectl knows it, with the group where the plain name is ambiguous: `deployment`, `applications.argoproj.io`. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** When a Job runs. @see RunJob */
export type JobCondition =
  /** Every time: its program finds out by itself what is left to do. */
  | 'always'
  /** Only while Kargo's workloads and webhooks are not installed: a restore beside them would lose history. */
  | 'kargo-not-whole'
  /** Only if Kargo runs and a release of this plan is about to be installed or changed: a snapshot before an upgrade. */
  | 'before-upgrade'
  /** Only if a secret that the install would have to generate is neither in the cluster nor in the operator's folder. */
  | 'secrets-missing';

/** Checks of the phase `preflight`. They change nothing and all run, so that every problem is named at once. */
export type Check =
  | { readonly verb: 'require-tool'; readonly name: string /** Lowest version, `1.30`. */; readonly minimum?: string }
  | { readonly verb: 'require-kubernetes'; readonly minimum: string }
  /** The API server's clock and this machine's differ by no more. */
  | { readonly verb: 'require-clock' /** @default 30 */; readonly skew?: Seconds }
  | {
      readonly verb: 'require-crds';
      readonly names: readonly string[] /** What to install if one is missing. */;
      readonly remedy: string;
    }
  | { readonly verb: 'require-issuer' /** A ClusterIssuer of cert-manager. */; readonly name: string }
  | { readonly verb: 'require-ingress-class'; readonly name: string }
  /** The operator's machine reaches the address; every HTTP status below 500 counts. */
  | { readonly verb: 'require-url'; readonly url: string; readonly what: string }
  | { readonly verb: 'require-port'; readonly host: string; readonly port: number; readonly what: string }
  /** The API server evaluates CEL in this time zone. */
  | { readonly verb: 'require-zone'; readonly zone: string }
  /** The checkout has no uncommitted change: what is pushed is what is applied. */
  | { readonly verb: 'require-clean-tree' }
  /** A Secret that only a person can provide, in the cluster or in the operator's folder. */
  | {
      readonly verb: 'require-secret';
      readonly namespace: string;
      readonly name: string;
      readonly keys: readonly string[];
      readonly purpose: string;
      /** false: its absence is only mentioned. @default true */
      readonly required?: boolean;
    }
  /** Names that no other installed system may hold: namespaces, releases, volumes. */
  | { readonly verb: 'claim'; readonly names: readonly string[] };

/** Server-side apply of a rendered file or folder. */
export interface Apply {
  readonly verb: 'apply';
  /** Relative to dist/<system>/. */
  readonly path: string;
  /**
   * The Application (`namespace/name`) that keeps the same objects once it is synced: then the step leaves them to it, for an
   * apply would drop Argo CD's tracking annotation. @default - none
   */
  readonly keptBy?: string;
}

/** Runs a Job to its end and removes it. A Job that is left from an interrupted run is replaced. */
export interface RunJob {
  readonly verb: 'job';
  /**
   * The file with this Job and what it needs (its script, its account), relative to dist/<system>/. `cronjob/NAME` runs that CronJob
   * of the cluster once, under the Job's name.
   */
  readonly path: string;
  readonly namespace: string;
  readonly name: string;
  readonly timeout: Seconds;
  /** @default 'always' */
  readonly when?: JobCondition;
  /** `kind/name` of an object in the Job's namespace; without it there is nothing to do yet. @default - nothing */
  readonly needs?: string;
  /** What the Job does, for the progress line. */
  readonly what: string;
}

/** Makes a Secret once: from the cluster, else the operator's file, else random. The values never appear in a command line. */
export interface MakeSecret {
  readonly verb: 'secret';
  readonly namespace: string;
  readonly name: string;
  /** false: where a person has not provided it, the step leaves it out. @default true */
  readonly required?: boolean;
  readonly type?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * How each key comes about: `random` (32 bytes, base64url), `provided` (a person's; the step stops without it),
   * `literal:TEXT` (public, such as a user name), `bcrypt:KEY` (of another key of the same Secret),
   * `copy:NAMESPACE/NAME/KEY` (from a Secret that exists by then).
   */
  readonly keys: Readonly<Record<string, string>>;
  /**
   * A Job that fails if state exists which this Secret opens (a database, an encrypted snapshot). It runs only before a
   * value would be generated, and then stops the install: a new value would lock the state away. @default - none
   */
  readonly stateProbe?: { readonly path: string; readonly namespace: string; readonly name: string };
}

/** Installs or upgrades a Helm release. */
export interface Release {
  readonly verb: 'release';
  readonly name: string;
  readonly namespace: string;
  /** A chart in a registry (`oci://...`), a folder, or a chart name together with `repository`. */
  readonly chart: string;
  /** Address of a classic chart repository. @default - none */
  readonly repository?: string;
  readonly version: string;
  /** Files of values, relative to dist/<system>/, later ones win. */
  readonly values: readonly string[];
  /** `base`: only as long as the release was never installed whole. @default 'whole' */
  readonly mode?: 'base' | 'whole';
  readonly timeout: Seconds;
}

/** Uninstalls scale sets, controller, runner binding, namespace and volume of actions-runner-controller. */
export interface RemoveArc {
  readonly verb: 'remove-arc';
  readonly namespace: string;
  readonly controller: string;
  readonly scaleSets: readonly string[];
  readonly bindings: readonly string[];
  /** Only the object: the data on the share stays. @default - the volume stays too */
  readonly volume?: string;
  /** How long the controller may take to clean up before the script does. */
  readonly timeout: Seconds;
}

export type Step =
  | Check
  | Apply
  | RunJob
  | MakeSecret
  | Release
  | RemoveArc
  /** Lets a Released volume be bound again. A volume in any other phase is left alone. */
  | { readonly verb: 'clear-released-volumes'; readonly names: readonly string[] }
  /** Waits until the claims are bound. */
  | { readonly verb: 'await-claims'; readonly claims: readonly string[]; readonly timeout: Seconds }
  /** Secrets (`namespace/name`) that an earlier step must have made. */
  | { readonly verb: 'expect-secrets'; readonly names: readonly string[] }
  /** Pushes HEAD, fast-forward only. */
  | { readonly verb: 'push'; readonly url: string; readonly branch: string; readonly credentials: string }
  /**
   * Makes branch `stage/<stage>` with one file that names the tag which runs now, unless the branch exists. If nothing runs
   * yet the tag is empty, and the Application stays unrendered until its first promotion.
   */
  | {
      readonly verb: 'seed-branch';
      readonly stage: string;
      readonly url: string;
      /** `namespace/name` of a Secret with username and password. */
      readonly credentials: string;
      readonly namespace: string;
      /** The Deployment whose first container carries the tag. */
      readonly deployment: string;
    }
  /** Waits until the workload's pods are ready. */
  | ({ readonly verb: 'await-rollout'; readonly timeout: Seconds } & ObjectName)
  /** Waits until a JSON path of the object has a value (any value, if none is given). */
  | ({
      readonly verb: 'await';
      readonly jsonpath: string;
      readonly value?: string;
      readonly timeout: Seconds;
    } & ObjectName)
  /** Waits until the API server accepts the objects of a file in a dry run: webhooks that these objects pass do answer. */
  | { readonly verb: 'await-accepted'; readonly path: string; readonly timeout: Seconds }
  /** Waits until the Application shows the revision that was pushed. */
  | {
      readonly verb: 'await-revision';
      readonly namespace: string;
      readonly application: string;
      readonly timeout: Seconds;
    }
  /** A line of the closing table. */
  | { readonly verb: 'address'; readonly name: string; readonly url: string }
  /** Something that still needs a person. */
  | { readonly verb: 'note'; readonly text: string }
  /** The stages of a Kargo project, with the Freight they hold. */
  | { readonly verb: 'stages'; readonly project: string };

export type TeardownStep =
  | { readonly verb: 'require-tool'; readonly name: string; readonly minimum?: string }
  /**
   * Deletes workloads (`deployment/NAME`, `cronjob/NAME`) and waits until their pods are gone. The next install brings them
   * back, also if the teardown stops after this step.
   */
  | {
      readonly verb: 'stop';
      readonly namespace: string;
      readonly workloads: readonly string[];
      readonly timeout: Seconds;
    }
  /**
   * Runs Jobs in order, once for a teardown; a failure stops it unless --force. Skipped while the Kargo project does not exist
   * or the restore never finished: the last good snapshot stays the latest.
   */
  | {
      readonly verb: 'final-snapshot';
      readonly project: string;
      /** `namespace/name` of the ConfigMap in which the restore notes its progress. */
      readonly restoreMark: string;
      /** The value of its key `phase` when the restore is complete. */
      readonly restoreDone: string;
      /** `path` and `needs` as in a `job` step. */
      readonly jobs: ReadonlyArray<{
        readonly path: string;
        readonly namespace: string;
        readonly name: string;
        readonly needs?: string;
      }>;
      readonly timeout: Seconds;
    }
  /** Copies Secrets (`namespace/name`) to the operator's folder, so that a rebuild finds them. */
  | { readonly verb: 'save-secrets'; readonly names: readonly string[] }
  /** Deletes Applications and projects without touching what they deployed. Argo CD's controller is stopped before. */
  | { readonly verb: 'orphan-applications'; readonly namespace: string }
  /** Deletes objects by the labels of this system: cluster-wide ones, and those of every namespace. */
  | { readonly verb: 'delete-labelled'; readonly kinds: readonly string[] }
  /** Only with --purge: deletes a Kargo project with everything in it while its controllers still run. */
  | { readonly verb: 'purge-project'; readonly project: string; readonly timeout: Seconds }
  | { readonly verb: 'uninstall'; readonly name: string; readonly namespace: string; readonly timeout: Seconds }
  | RemoveArc
  /** Deletes those of the namespaces that this system made. */
  | { readonly verb: 'delete-namespaces'; readonly names: readonly string[]; readonly timeout: Seconds }
  | { readonly verb: 'clear-released-volumes'; readonly names: readonly string[] }
  /** What is kept, for the closing table. */
  | { readonly verb: 'kept'; readonly text: string };

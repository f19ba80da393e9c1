import { Construct } from 'constructs';
import { Application } from '../../imports/argoproj.io.ts';
import type { HelmValues } from '../helm-release/index.ts';
import { kargoKey, stageBranch } from '../kargo/names.ts';
import { thisCluster } from './names.ts';
import { retry } from './retry.ts';
import { syncAnnotations, syncWave } from './sync.ts';

/** Where a Helm chart lies in Git. */
export interface ChartSource {
  /** Address of the repository, byte-equal to the one in its Secret. R9.4, R25.1 */
  readonly repository: string;
  /** Folder of the chart. R15.4 */
  readonly path: string;
  /** Branch that is followed. @default 'main' */
  readonly revision?: string;
  /** Files of values in the chart's folder, later ones win. R25.3 */
  readonly valueFiles: readonly string[];
}

export interface StageApplicationProps {
  /** Name of the Application. R9.1 */
  readonly name: string;
  /** AppProject it belongs to. */
  readonly project: string;
  /** Kargo project and stage that alone may update it. */
  readonly kargoProject: string;
  /** Name of the stage. */
  readonly stage: string;
  /** Namespace it deploys to; it exists already. R15.1, R16.1, R17.2 */
  readonly namespace: string;
  readonly chart: ChartSource;
  /** Repository of promotions; the stage's branch holds the promoted tag. */
  readonly promotions: {
    readonly repository: string;
    /** @default - `stage/<stage>` */
    readonly branch?: string;
    /** @default 'values.yaml' */
    readonly file?: string;
  };
  /** Name of the Helm release in the chart's objects, for one that exists already. R17.5 @default - the Application's name */
  readonly releaseName?: string;
  /** Values that win over every file, for example the registry. R9.1, R10.4 @default - none */
  readonly values?: HelmValues;
  /** Undoes changes made by hand. @default false: an emergency fix by hand is not undone within seconds */
  readonly selfHeal?: boolean;
  /** Deletes objects that left the chart. @default false */
  readonly prune?: boolean;
  /**
   * When commits to the chart are deployed: `at-once`, which is at the end of closed hours where there are any (R25.2), or
   * `with-next-promotion`, so that nothing at all reaches the stage without a promotion. @default 'at-once'
   */
  readonly chartCommits?: 'at-once' | 'with-next-promotion';
}

/**
 * The Application of a stage: the chart from one repository, the promoted tag from the stage's branch in another. It has no
 * finalizer, so that removing it, or Argo CD, leaves the workload alone. R12.3
 */
export class StageApplication extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: StageApplicationProps) {
    super(scope, id);
    this.name = props.name;
    new Application(this, 'Application', {
      metadata: {
        name: props.name,
        annotations: {
          [kargoKey.authorizedStage]: `${props.kargoProject}:${props.stage}`,
          ...syncAnnotations({ wave: syncWave.applications, keep: true }),
        },
      },
      spec: {
        project: props.project,
        destination: { server: thisCluster, namespace: props.namespace },
        revisionHistoryLimit: 10,
        sources: [this.chart(props), this.promoted(props)],
        syncPolicy: {
          automated:
            props.chartCommits === 'with-next-promotion'
              ? undefined
              : { prune: props.prune ?? false, selfHeal: props.selfHeal ?? false },
          retry,
          syncOptions: ['CreateNamespace=false', 'FailOnSharedResource=true', 'PruneLast=true'],
        },
      },
    });
  }

  private chart({ chart, promotions, releaseName, values }: StageApplicationProps) {
    return {
      repoUrl: chart.repository,
      targetRevision: chart.revision ?? 'main',
      path: chart.path,
      helm: {
        releaseName,
        // A file that is missing fails the sync; the promoted tag comes last.
        ignoreMissingValueFiles: false,
        valueFiles: [...chart.valueFiles, `$promoted/${promotions.file ?? 'values.yaml'}`],
        valuesObject: values,
      },
    };
  }

  private promoted({ promotions, stage }: StageApplicationProps) {
    return {
      repoUrl: promotions.repository,
      targetRevision: promotions.branch ?? stageBranch(stage),
      ref: 'promoted',
    };
  }
}

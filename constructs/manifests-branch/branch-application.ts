import { Construct } from 'constructs';
import { Application, type ApplicationSpecSource, type ApplicationSpecSources } from '../../imports/argoproj.io.ts';
import { thisCluster } from '../argo-cd/index.ts';

/** A chart from one repository and revision, with values that the branch holds. */
export interface ChartFromBranch {
  /** Folder of the chart. */
  readonly path: string;
  /** Revision of the chart. */
  readonly revision: string;
  readonly release: string;
  /** Files of values on the manifests branch, later ones win. */
  readonly valueFiles: readonly string[];
}

export interface BranchApplicationProps {
  readonly name: string;
  readonly project: string;
  readonly repository: string;
  /** Branch that the pipeline writes. */
  readonly branch: string;
  /** What is deployed from it: a folder of manifests, or a chart with values from it. */
  readonly source: { readonly path: string } | { readonly chart: ChartFromBranch };
  readonly namespace: string;
  /** Argo CD makes the namespace, with these labels. @default it exists already */
  readonly createNamespace?: { readonly labels: Readonly<Record<string, string>> };
  /** Deletes what left the branch. @default true */
  readonly prune?: boolean;
  /** Deleting the Application deletes what it deployed, but for objects that say otherwise. @default false */
  readonly cascade?: boolean;
}

/**
 * An Application that follows a branch which the pipeline writes: synced by itself, drift undone, five more attempts after
 * a failure, ten revisions to go back to.
 */
export class BranchApplication extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: BranchApplicationProps) {
    super(scope, id);
    this.name = props.name;
    new Application(this, 'Application', {
      metadata: {
        name: props.name,
        finalizers: props.cascade ? ['resources-finalizer.argocd.argoproj.io'] : undefined,
      },
      spec: {
        project: props.project,
        destination: { server: thisCluster, namespace: props.namespace },
        revisionHistoryLimit: 10,
        ...sources(props),
        syncPolicy: {
          automated: { prune: props.prune ?? true, selfHeal: true, allowEmpty: false },
          retry: { limit: 5, backoff: { duration: '5s', factor: 2, maxDuration: '3m' } },
          managedNamespaceMetadata: props.createNamespace && { labels: { ...props.createNamespace.labels } },
          syncOptions: [
            `CreateNamespace=${props.createNamespace !== undefined}`,
            'PrunePropagationPolicy=foreground',
            'PruneLast=true',
          ],
        },
      },
    });
  }
}

function sources(
  props: BranchApplicationProps,
): { source: ApplicationSpecSource } | { sources: ApplicationSpecSources[] } {
  const branch = { repoUrl: props.repository, targetRevision: props.branch };
  if ('path' in props.source) {
    return { source: { ...branch, path: props.source.path, directory: { recurse: true } } };
  }
  const { path, revision, release, valueFiles } = props.source.chart;
  return {
    sources: [
      {
        repoUrl: props.repository,
        targetRevision: revision,
        path,
        helm: {
          releaseName: release,
          ignoreMissingValueFiles: false,
          valueFiles: valueFiles.map((file) => `$deployed/${file}`),
        },
      },
      { ...branch, ref: 'deployed' },
    ],
  };
}

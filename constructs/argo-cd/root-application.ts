import { Construct } from 'constructs';
import { Application } from '../../imports/argoproj.io.ts';
import { thisCluster } from './names.ts';
import { retry } from './retry.ts';

export interface RootApplicationProps {
  /** Name of the Application. */
  readonly name: string;
  /** AppProject it belongs to; it has to allow every kind and namespace that is rendered. */
  readonly project: string;
  /** Repository with the rendered files, byte-equal to the one in its Secret. R25.1 */
  readonly repository: string;
  /** Folder that is kept in the cluster, for example `dist/<system>/gitops`. */
  readonly path: string;
  /** @default 'main' */
  readonly revision?: string;
  /** Namespace of Argo CD, for objects that name none. @default 'argocd' */
  readonly namespace?: string;
  /** Fields that another program writes; a sync leaves them alone. @default - none */
  readonly leftAlone?: readonly LeftAlone[];
}

/** Fields of a kind that a sync neither compares nor writes. */
export interface LeftAlone {
  readonly group: string;
  readonly kind: string;
  /** JSON pointers. */
  readonly fields: readonly string[];
}

/**
 * The Application that keeps the rendered pipeline in the cluster, the gate and the other Applications included. The set-up
 * applies it; it lies outside the folder that it syncs. It has no finalizer: deleting it deletes nothing else. R12.3
 */
export class RootApplication extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: RootApplicationProps) {
    super(scope, id);
    this.name = props.name;
    new Application(this, 'Application', {
      metadata: { name: props.name },
      spec: {
        project: props.project,
        destination: { server: thisCluster, namespace: props.namespace ?? 'argocd' },
        revisionHistoryLimit: 10,
        source: {
          repoUrl: props.repository,
          targetRevision: props.revision ?? 'main',
          path: props.path,
          directory: { recurse: true, include: '*.yaml' },
        },
        ignoreDifferences: props.leftAlone?.map(({ group, kind, fields }) => ({
          group,
          kind,
          jsonPointers: [...fields],
        })),
        syncPolicy: {
          // What must never go, such as volumes, Stages and the gate, says so itself.
          automated: { prune: true, selfHeal: true },
          retry,
          syncOptions: [
            'ServerSideApply=true',
            'FailOnSharedResource=true',
            'PruneLast=true',
            'CreateNamespace=false',
            ...(props.leftAlone ? ['RespectIgnoreDifferences=true'] : []),
          ],
        },
      },
    });
  }
}

import { Construct } from 'constructs';
import { Application } from '../../imports/argoproj.io.ts';
import { thisCluster } from './names.ts';
import { retry } from './retry.ts';
import { syncAnnotations, syncWave } from './sync.ts';

export interface OverlayApplicationProps {
  readonly name: string;
  /** AppProject it belongs to. */
  readonly project: string;
  /** Address of the repository with the overlays. */
  readonly repository: string;
  /** Branch that is followed. */
  readonly revision: string;
  /** Folder of the overlay. */
  readonly path: string;
  readonly namespace: string;
  /** `automatic`: every commit is deployed, changes by hand are undone. `manual`: a person syncs. */
  readonly sync: 'automatic' | 'manual';
}

/** The Application of one overlay in an application's own GitOps repository. Removing it leaves the workload alone. */
export class OverlayApplication extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: OverlayApplicationProps) {
    super(scope, id);
    this.name = props.name;
    new Application(this, 'Application', {
      metadata: { name: props.name, annotations: syncAnnotations({ wave: syncWave.applications, keep: true }) },
      spec: {
        project: props.project,
        destination: { server: thisCluster, namespace: props.namespace },
        revisionHistoryLimit: 10,
        source: { repoUrl: props.repository, targetRevision: props.revision, path: props.path },
        syncPolicy: {
          automated: props.sync === 'automatic' ? { prune: true, selfHeal: true } : undefined,
          retry,
          syncOptions: ['CreateNamespace=false', 'FailOnSharedResource=true', 'PruneLast=true'],
        },
      },
    });
  }
}

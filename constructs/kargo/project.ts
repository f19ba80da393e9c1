import { Construct } from 'constructs';
import { Project } from '../../imports/kargo.akuity.io.ts';
import { syncAnnotations, syncWave } from '../argo-cd/sync.ts';
import { Namespace } from '../namespaces/index.ts';
import { kargoKey } from './names.ts';

export interface KargoProjectNamespaceProps {
  /** Name of the Kargo project and of its namespace; never the namespace of a workload. R13.1 */
  readonly project: string;
}

/**
 * The namespace of a Kargo project. It has to exist before the Project, with the label that lets Kargo adopt it, and is
 * kept when the Project goes: the history of promotions lives in it. R12.2
 */
export class KargoProjectNamespace extends Construct {
  constructor(scope: Construct, id: string, props: KargoProjectNamespaceProps) {
    super(scope, id);
    new Namespace(this, 'Namespace', {
      name: props.project,
      labels: { [kargoKey.project]: 'true' },
      annotations: { [kargoKey.keepNamespace]: 'true', ...syncAnnotations({ keep: true }) },
    });
  }
}

export interface KargoProjectProps {
  /** Name of the project; its namespace exists already. */
  readonly name: string;
  /** One sentence that the dashboard shows on the project's card. R23.1 */
  readonly description: string;
}

/** A Kargo project. Deleting one deletes its stages and their history, hence Argo CD never prunes it. */
export class KargoProject extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: KargoProjectProps) {
    super(scope, id);
    this.name = props.name;
    new Project(this, 'Project', {
      metadata: {
        name: props.name,
        namespace: undefined,
        annotations: {
          [kargoKey.description]: props.description,
          [kargoKey.keepNamespace]: 'true',
          ...syncAnnotations({ wave: syncWave.promotion, keep: true }),
        },
      },
    });
  }
}

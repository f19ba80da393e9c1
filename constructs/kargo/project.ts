import { Construct } from 'constructs';
import { Project } from '../../imports/kargo.akuity.io.ts';
import { syncAnnotations, syncWave } from '../argo-cd/sync.ts';
import { Namespace } from '../namespaces/index.ts';
import type { CheckException } from '../workload/index.ts';
import { kargoKey, sharedResourcesNamespace } from './names.ts';

export interface KargoNamespacesProps {
  /** Namespace of Kargo itself. R13.1 @default 'kargo' */
  readonly namespace?: string;
  /** Name of the Kargo project and of its namespace; never the namespace of a workload. R13.1 */
  readonly project: string;
  /**
   * Whether pods trust a private CA (`KargoValuesProps.caConfigMap`): the chart unpacks it in a container that runs as
   * root. @default false
   */
  readonly privateCa?: boolean;
}

/**
 * The namespaces of Kargo: its own, the one for credentials of all projects, and the project's. They exist before the Helm
 * release, so that their Secrets can be made first. The project's carries the label by which Kargo adopts it, and is kept
 * when the Project goes: the history of promotions lives in it. R12.2
 */
export class KargoNamespaces extends Construct {
  /** For `npm run check`. */
  readonly exceptions: readonly CheckException[];

  constructor(scope: Construct, id: string, props: KargoNamespacesProps) {
    super(scope, id);
    const keep = syncAnnotations({ keep: true });
    const kargo = new Namespace(this, 'Kargo', {
      name: props.namespace ?? 'kargo',
      annotations: keep,
      ...(props.privateCa
        ? { podSecurity: 'baseline', reason: 'the official chart unpacks private CAs in a container that runs as root' }
        : {}),
    });
    new Namespace(this, 'Shared', { name: sharedResourcesNamespace, annotations: keep });
    new Namespace(this, 'Project', {
      name: props.project,
      labels: { [kargoKey.project]: 'true' },
      annotations: { [kargoKey.keepNamespace]: 'true', ...keep },
    });
    this.exceptions = kargo.exceptions;
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
        annotations: {
          [kargoKey.description]: props.description,
          [kargoKey.keepNamespace]: 'true',
          ...syncAnnotations({ wave: syncWave.promotion, keep: true }),
        },
      },
    });
  }
}

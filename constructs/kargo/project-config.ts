import { Construct } from 'constructs';
import {
  ProjectConfig,
  ProjectConfigSpecWebhookReceiversGenericActionsAction,
  ProjectConfigSpecWebhookReceiversGenericActionsTargetSelectionCriteriaKind,
} from '../../imports/kargo.akuity.io.ts';
import type { Stage } from '../../model/stage-chain.ts';
import { syncAnnotations, syncWave } from '../argo-cd/sync.ts';

/** A link in the menu of every stage or freight. */
export interface DashboardLink {
  readonly title: string;
  /** Go template over `.stage` or `.freight`, for example `https://host/desk/?stage={{ .stage.metadata.name }}`. */
  readonly url: string;
  /** @default - none */
  readonly description?: string;
}

/** A web hook by which a pipeline tells Kargo that it has pushed. */
export interface RefreshReceiver {
  readonly name: string;
  /** Secret of the project with the key `secret`; it is part of the hook's address, which the ProjectConfig's status tells. */
  readonly secret: string;
  /** Warehouse that looks at its registry at once when the hook is called. R8.2 */
  readonly warehouse: string;
}

export interface KargoProjectConfigProps {
  /** Name of the project. */
  readonly project: string;
  /** The stages; automatic promotion follows their `promotion` and `enabled`. R15.1, R17.1, R20.2 */
  readonly stages: readonly Stage[];
  /** Links of every stage, for example to the promotion desk's history. R22.3 @default - none */
  readonly stageLinks?: readonly DashboardLink[];
  /** Links of every freight. @default - none */
  readonly freightLinks?: readonly DashboardLink[];
  /** Web hook for pipelines. @default - none: the Warehouse asks at its interval */
  readonly receiver?: RefreshReceiver;
}

/**
 * Which stages are promoted automatically, and the links in the dashboard. It comes in the last sync wave: an automatic
 * promotion that fails because its Application is not there yet is not tried again.
 */
export class KargoProjectConfig extends Construct {
  constructor(scope: Construct, id: string, props: KargoProjectConfigProps) {
    super(scope, id);
    new ProjectConfig(this, 'ProjectConfig', {
      metadata: {
        name: props.project,
        annotations: syncAnnotations({ wave: syncWave.promotionPolicies, keep: true }),
      },
      spec: {
        promotionPolicies: props.stages.map((stage) => ({
          stageSelector: { name: stage.name },
          autoPromotionEnabled: stage.enabled && stage.promotion === 'automatic',
        })),
        stageLinks: props.stageLinks && [...props.stageLinks],
        freightLinks: props.freightLinks && [...props.freightLinks],
        webhookReceivers: props.receiver && [receiver(props.receiver)],
      },
    });
  }
}

function receiver(props: RefreshReceiver) {
  return {
    name: props.name,
    generic: {
      secretRef: { name: props.secret },
      actions: [
        {
          action: ProjectConfigSpecWebhookReceiversGenericActionsAction.REFRESH,
          targetSelectionCriteria: [
            {
              kind: ProjectConfigSpecWebhookReceiversGenericActionsTargetSelectionCriteriaKind.WAREHOUSE,
              name: props.warehouse,
            },
          ],
        },
      ],
    },
  };
}

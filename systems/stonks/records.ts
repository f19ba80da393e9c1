import type { RenderContext, SystemOutput } from '../../constructs/core/index.ts';
import { deskPods, PromotionDesk } from '../../constructs/desk/index.ts';
import { writeGateClientSettings } from '../../constructs/gate-client-settings/index.ts';
import { fromPods } from '../../constructs/network/index.ts';
import { type AuditAnchor, AuditRecorder } from '../../constructs/recorder/index.ts';
import type { Image } from '../../model/image.ts';
import type { Stage } from '../../model/stage-chain.ts';

/** What people see and what is kept of it (R15–R19, R21–R23). */
export interface RecordFacts {
  /** Kargo's namespace: the desk shares its host, the recorder its volume. */
  readonly namespace: string;
  readonly project: string;
  readonly host: string;
  readonly ingress: {
    readonly className: string;
    readonly clusterIssuer: string;
    readonly controllerNamespace: string;
  };
  readonly stages: readonly Stage[];
  /** The image whose tag stands for a build. */
  readonly watchedImage: string;
  /** Address of a commit with `{tag}` where the commit goes. */
  readonly commitUrl: string;
  /** Runs the programs. */
  readonly image: Image;
  /** User that owns the volume's directory. */
  readonly uid: number;
  /** Claim of the volume that outlives the cluster. */
  readonly claim: string;
  readonly anchor?: AuditAnchor;
}

/** The recorder of the audit trail, the promotion desk, and the settings of the command line. */
export function composeRecords(output: SystemOutput, facts: RecordFacts, context: RenderContext): AuditRecorder {
  const recorder = new AuditRecorder(
    output.chart('gitops/platform/audit-recorder', { namespace: facts.namespace, component: 'audit-recorder' }),
    'Recorder',
    {
      image: facts.image,
      program: context.program('recorder'),
      project: facts.project,
      claimName: facts.claim,
      uid: facts.uid,
      anchor: facts.anchor,
      readers: [fromPods(deskPods)],
      snapshotFolder: 'snapshots',
    },
  );
  new PromotionDesk(
    output.chart('gitops/platform/promotion-desk', { namespace: facts.namespace, component: 'promotion-desk' }),
    'Desk',
    {
      host: facts.host,
      project: facts.project,
      stages: facts.stages,
      program: context.program('desk'),
      browserCode: { page: context.browserCode('desk-page'), dashboard: context.browserCode('desk-dashboard') },
      image: facts.image,
      recorderUrl: recorder.url,
      watchedImage: facts.watchedImage,
      commitUrl: facts.commitUrl,
      clusterIssuer: facts.ingress.clusterIssuer,
      ingressClass: facts.ingress.className,
      traefik: { namespace: facts.ingress.controllerNamespace },
    },
  );
  writeGateClientSettings(output, {
    project: facts.project,
    kargoHost: facts.host,
    stages: facts.stages,
    image: facts.watchedImage,
  });
  return recorder;
}

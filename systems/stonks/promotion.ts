import {
  DeliveryProject,
  everyKind,
  pipelineKinds,
  RootApplication,
  ShutDefaultProject,
  StageApplication,
} from '../../constructs/argo-cd/index.ts';
import type { SystemOutput } from '../../constructs/core/index.ts';
import { PromotionGate, type ZoneClock } from '../../constructs/gate/index.ts';
import {
  type CommitStatusEvidence,
  type DeployTarget,
  ImageWarehouse,
  KargoProject,
  KargoProjectConfig,
  KargoRole,
  PromotionStages,
  type RefreshReceiver,
  stageBranch,
} from '../../constructs/kargo/index.ts';
import { type PromotionWindow, syncWindow } from '../../model/promotion-window/index.ts';
import type { Stage } from '../../model/stage-chain.ts';
import { stonksRepository } from './application.ts';

/** The user as whom the set-up acts; the gate lets it pass by name, and an audit log shows it beside the administrator's own. */
export const setUpUser = 'pipelines-set-up';

/** What the promotion half of a Stonks Oracle system is made of. */
export interface PromotionFacts {
  readonly stages: readonly Stage[];
  readonly window: PromotionWindow;
  /** How the policies read the zone's clock. @default 'zone-names' */
  readonly clock?: ZoneClock | undefined;
  readonly people: { readonly operators: readonly string[]; readonly approvers: readonly string[] };
  /** Kargo Project and its namespace. */
  readonly project: string;
  readonly warehouse: string;
  /** The image whose tag announces a build, without tag. */
  readonly image: string;
  /** Tags that are builds, `allowPattern(...)`. */
  readonly tagPattern: string;
  /** By stage. */
  readonly evidence: Readonly<Record<string, CommitStatusEvidence>>;
  /** Repository with the chart, byte-equal everywhere (R25.1). */
  readonly applicationRepository: string;
  /** Repository with dist/ and the branches of the stages. */
  readonly pipelinesRepository: string;
  /** Registry and path of the images (R9). */
  readonly imageRegistry: string;
  readonly liveChart: 'after-the-close' | 'with-the-next-promotion';
  readonly namespaces: { readonly argoCd: string; readonly kargo: string };
  /** Namespaces that the root Application writes to besides. */
  readonly platformNamespaces: readonly string[];
  /** Address of the promotion desk. */
  readonly deskUrl: string;
  readonly receiver?: RefreshReceiver;
}

/** Names that other parts need. */
export interface PromotionNames {
  readonly rootApplication: string;
  /** Application by stage. */
  readonly applications: Readonly<Record<string, string>>;
  readonly policies: readonly string[];
  /** Time zones for which the API server needs data. */
  readonly zones: readonly string[];
}

/** Values files of the chart by stage: live has none of its own (analysis C16). */
const valueFiles: Readonly<Record<string, readonly string[]>> = {
  beta: ['values.yaml', 'values-beta.yaml'],
  paper: ['values.yaml', 'values-paper.yaml'],
  live: ['values.yaml'],
};

const workloads = 'stonks-oracle';
const pipelines = 'pipelines';

/** Renders gate, Kargo's objects, the Applications and the root Application. */
export function composePromotion(output: SystemOutput, facts: PromotionFacts): PromotionNames {
  const deploying = facts.stages.filter((stage) => stage.kind === 'deploy');
  const applications = Object.fromEntries(deploying.map((stage) => [stage.name, `stonks-${stage.name}`]));
  const root = `${output.system}-root`;

  const gate = new PromotionGate(output.chart('gitops/gate/policies', { component: 'gate' }), 'Gate', {
    system: output.system,
    project: facts.project,
    stages: facts.stages,
    kargo: { namespace: facts.namespaces.kargo },
    argoCd: { namespace: facts.namespaces.argoCd },
    setUpUser,
    ...(facts.clock ? { clock: facts.clock } : {}),
    guardedAppProjects: [workloads, pipelines, 'default'],
    guardedApplications: [root],
  });
  composeKargo(output, facts, applications);
  composeApplications(output, facts, deploying, applications);
  composeRoot(output, facts, root);
  const zones =
    facts.clock === 'utc-arithmetic' ? [] : facts.stages.flatMap((stage) => stage.gate?.window?.timeZone ?? []);
  return { rootApplication: root, applications, policies: gate.policyNames, zones: [...new Set(zones)] };
}

function composeKargo(
  output: SystemOutput,
  facts: PromotionFacts,
  applications: Readonly<Record<string, string>>,
): void {
  const inProject = (file: string) =>
    output.chart(`gitops/promotion/${file}`, { namespace: facts.project, component: 'promotion' });
  const project = inProject('project');
  new KargoProject(project, 'Project', {
    name: facts.project,
    description: 'Stonks Oracle, from a build to live trading',
  });
  const open = facts.stages.filter((stage) => stage.gate?.approvers === undefined).map((stage) => stage.name);
  new KargoRole(project, 'Operators', {
    name: 'operators',
    description: 'Promote to every stage that needs no approver',
    claims: { email: [...facts.people.operators] },
    promote: open,
  });
  new KargoRole(project, 'Approvers', {
    name: 'approvers',
    description: 'Promote to every stage; to live with a note',
    claims: { email: [...facts.people.approvers] },
    promote: facts.stages.map((stage) => stage.name),
  });
  new ImageWarehouse(inProject('warehouse'), 'Warehouse', {
    name: facts.warehouse,
    image: facts.image,
    tagPattern: facts.tagPattern,
  });
  new PromotionStages(inProject('stages'), 'Stages', {
    stages: facts.stages,
    warehouse: facts.warehouse,
    image: facts.image,
    evidence: facts.evidence,
    targets: Object.fromEntries(
      Object.entries(applications).map(([stage, application]) => [stage, target(facts, stage, application)]),
    ),
  });
  new KargoProjectConfig(inProject('project-config'), 'ProjectConfig', {
    project: facts.project,
    stages: facts.stages,
    stageLinks: [
      {
        title: 'History',
        url: `${facts.deskUrl}history?stage={{ .stage.metadata.name }}`,
        description: 'Who promoted what, when and why',
      },
    ],
    receiver: facts.receiver,
  });
}

function target(facts: PromotionFacts, stage: string, application: string): DeployTarget {
  return {
    repository: facts.pipelinesRepository,
    branch: stageBranch(stage),
    application,
    applicationNamespace: facts.namespaces.argoCd,
  };
}

function composeApplications(
  output: SystemOutput,
  facts: PromotionFacts,
  deploying: readonly Stage[],
  applications: Readonly<Record<string, string>>,
): void {
  const chart = output.chart('gitops/apps/applications', {
    namespace: facts.namespaces.argoCd,
    component: 'applications',
  });
  const gated = deploying
    .filter((stage) => stage.gate?.window !== undefined)
    .map((stage) => applications[stage.name] ?? '');
  new DeliveryProject(chart, 'Workloads', {
    name: workloads,
    description: 'The workloads of Stonks Oracle',
    repositories: [facts.applicationRepository, facts.pipelinesRepository],
    namespaces: deploying.flatMap((stage) => stage.namespace ?? []),
    refusedResources: pipelineKinds,
    closedHours: [{ window: syncWindow(facts.window), applications: gated }],
  });
  for (const stage of deploying) {
    new StageApplication(chart, stage.name, {
      name: applications[stage.name] ?? '',
      project: workloads,
      kargoProject: facts.project,
      stage: stage.name,
      namespace: stage.namespace ?? '',
      chart: {
        repository: facts.applicationRepository,
        path: stonksRepository.chart,
        revision: stonksRepository.branch,
        valueFiles: valueFiles[stage.name] ?? ['values.yaml'],
      },
      promotions: { repository: facts.pipelinesRepository },
      releaseName: 'stonks-oracle',
      values: { image: { registry: facts.imageRegistry } },
      selfHeal: stage.name === 'beta',
      chartCommits:
        stage.name === 'live' && facts.liveChart === 'with-the-next-promotion' ? 'with-next-promotion' : 'at-once',
    });
  }
}

/** The root Application lies outside the folder that it keeps; the script applies it. */
function composeRoot(output: SystemOutput, facts: PromotionFacts, name: string): void {
  const chart = output.chart('install/root/root', { namespace: facts.namespaces.argoCd, component: 'root' });
  new DeliveryProject(chart, 'Pipelines', {
    name: pipelines,
    description: 'The delivery pipeline itself, as it is rendered',
    repositories: [facts.pipelinesRepository],
    namespaces: [
      ...new Set([facts.namespaces.argoCd, facts.namespaces.kargo, facts.project, ...facts.platformNamespaces]),
    ],
    clusterResources: [everyKind],
  });
  new ShutDefaultProject(chart, 'Default');
  new RootApplication(chart, 'Root', {
    name,
    project: pipelines,
    repository: facts.pipelinesRepository,
    path: `dist/${output.system}/gitops`,
    namespace: facts.namespaces.argoCd,
  });
}

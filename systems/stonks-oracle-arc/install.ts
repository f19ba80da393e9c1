import type { SystemOutput } from '../../constructs/core/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Stage } from '../../model/stage-chain.ts';
import { removeArc } from '../stonks/arc.ts';
import { composeInstall, platform, rollout } from '../stonks/install.ts';
import type { PromotionNames } from '../stonks/promotion.ts';
import { type DeliverySecrets, secretId } from '../stonks/secrets.ts';
import type { StateParts } from '../stonks/state.ts';
import type { RunnerNames } from './runners.ts';
import { arcRecipes, repositoriesOf } from './secrets.ts';
import type { Settings } from './settings.ts';

/** What the plan refers to. */
export interface ArcInstallFacts {
  readonly settings: Settings;
  readonly stages: readonly Stage[];
  /** `namespace/name`, in the order of the volumes. */
  readonly claims: readonly string[];
  readonly directoriesJob: string;
  readonly runners: RunnerNames;
  readonly promotion: PromotionNames;
  readonly state: { readonly kargo: StateParts; readonly argoCd: StateParts };
  readonly secrets: DeliverySecrets;
  readonly allSecrets: readonly SecretRef[];
  readonly deskUrl: string;
}

/** The common plan, with the runners before Argo CD; on the way out the runners go while their controller still runs. */
export function composeArcInstall(output: SystemOutput, facts: ArcInstallFacts): void {
  const { settings, runners, promotion, secrets } = facts;
  const { namespaces, storage, github, registry } = settings;
  const git = secretId(secrets.kargoGit);
  composeInstall(output, {
    ...settings,
    share: storage.share,
    // The runners' namespace goes with the runners.
    ownNamespaces: [],
    project: settings.promotion.project,
    stages: facts.stages,
    promotion,
    volumes: Object.values(storage.volumes).map(({ volume }) => volume),
    claims: facts.claims,
    directoriesJob: facts.directoriesJob,
    state: facts.state,
    secrets: {
      all: facts.allSecrets,
      recipes: arcRecipes(settings, secrets),
      probes:
        facts.state.kargo.probe === undefined ? {} : { [secretId(secrets.stateKeys.kargo)]: facts.state.kargo.probe },
      stateKey: secrets.stateKeys.kargo.name,
      forForge: [git],
      later: [],
    },
    pipelines: { url: repositoriesOf(settings).pipelines.url, pushedAs: git, branchesSeededAs: git },
    reachable: [
      { url: `https://${registry.host}/v2/`, what: 'the registry' },
      { url: github.api, what: "GitHub's API" },
    ],
    own: {
      forge: [],
      runners: [
        platform({ namespaces, promotion }, 'runners'),
        { verb: 'release', ...runners.controller, values: ['helm/arc-controller.yaml'], timeout: 300 },
        rollout(namespaces.arc, runners.controllerDeployment),
        { verb: 'release', ...runners.scaleSet, values: ['helm/arc-runners.yaml'], timeout: 300 },
      ],
      teardownRunners: [removeArc({ keepVolume: true })],
    },
    addresses: [{ name: 'GitHub', url: `${github.url}/${github.owner}/${github.applicationRepository}/actions` }],
    deskUrl: facts.deskUrl,
    notes: [
      `every operator and approver logs in to Kargo with the GitHub account whose primary address settings.ts names: ${[...settings.people.operators, ...settings.people.approvers].join(', ')}`,
      `put the rendered files into the application's repository: npm run app -- migrate --system ${output.system} --repo PATH --write`,
    ],
  });
}

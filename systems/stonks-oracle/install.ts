import type { SystemOutput } from '../../constructs/core/index.ts';
import type { StateProbes } from '../../model/install-plan/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import type { Stage } from '../../model/stage-chain.ts';
import { removeArc } from '../stonks/arc.ts';
import { composeInstall, job, rollout } from '../stonks/install.ts';
import type { PromotionNames } from '../stonks/promotion.ts';
import { deliveryRecipes, secretId } from '../stonks/secrets.ts';
import type { StateParts } from '../stonks/state.ts';
import type { CiNames } from './ci.ts';
import type { ForgeJobs } from './forge.ts';
import type { Claims } from './foundation.ts';
import type { StonksSecrets } from './secrets.ts';
import type { Settings } from './settings.ts';

/** What the plan refers to. */
export interface StonksInstallFacts {
  readonly settings: Settings;
  readonly stages: readonly Stage[];
  readonly claims: Claims;
  readonly directoriesJob: string;
  readonly ci: CiNames;
  readonly forge: ForgeJobs;
  readonly promotion: PromotionNames;
  readonly state: { readonly kargo: StateParts; readonly argoCd: StateParts; readonly woodpecker: StateParts };
  readonly secrets: StonksSecrets;
  /** Every Secret of the system. */
  readonly allSecrets: readonly SecretRef[];
  readonly deskUrl: string;
}

/** The common plan, with the runners of the predecessor removed first, and with Gitea and Woodpecker. */
export function composeStonksInstall(output: SystemOutput, facts: StonksInstallFacts): void {
  const { settings, ci, forge, promotion, state, secrets, claims } = facts;
  const { namespaces, storage, hosts, registry, people } = settings;
  const forgeAdmin = `${namespaces.setUp}/forge-admin`;
  const dump = dumpNow(ci);
  composeInstall(output, {
    ...settings,
    share: storage.share,
    ownNamespaces: [namespaces.steps, namespaces.woodpecker],
    project: settings.promotion.project,
    stages: facts.stages,
    promotion,
    volumes: Object.values(storage.volumes).map(({ volume }) => volume),
    claims: (['argoCd', 'kargo', 'woodpecker'] as const).map((key) => `${namespaces[key]}/${claims[key]}`),
    directoriesJob: facts.directoriesJob,
    state: {
      ...state,
      other: {
        path: 'install/state/woodpecker.yaml',
        restoreSecrets: job(state.woodpecker.restoreSecrets, "Woodpecker's secrets from the last snapshot", {
          when: 'secrets-missing',
        }),
        before: [
          job(dump, 'a dump of the CI database', { when: 'before-upgrade' }),
          job({ ...state.woodpecker.before, needs: dump.needs }, "a snapshot of Woodpecker's dump", {
            when: 'before-upgrade',
          }),
        ],
        final: [
          dump,
          ...[state.woodpecker.final, state.woodpecker.verify].map((file) => ({ ...file, needs: dump.needs })),
        ],
        schedule: state.woodpecker.schedule,
      },
    },
    secrets: {
      all: facts.allSecrets,
      recipes: {
        [forgeAdmin]: { username: `literal:${settings.forge.users.admin}` },
        ...deliveryRecipes(namespaces, secrets.stateKeys.kargo, [
          secrets.stateKeys.argoCd,
          secrets.stateKeys.woodpecker,
          secrets.stateKeys.setUp,
        ]),
      },
      probes: probesOf([
        [ci.databasePassword, state.woodpecker.probe],
        [secrets.stateKeys.kargo, state.kargo.probe],
      ]),
      stateKey: secrets.stateKeys.kargo.name,
      forForge: [forgeAdmin],
      later: [`${namespaces.setUp}/woodpecker-token`],
    },
    pipelines: {
      url: `${settings.forge.url}/${settings.forge.owner}/${settings.forge.pipelinesRepository}.git`,
      pushedAs: forgeAdmin,
      branchesSeededAs: secretId(secrets.kargoGit),
    },
    reachable: [
      { url: `https://${registry.host}/v2/`, what: 'the registry' },
      { url: settings.forge.url, what: 'the forge' },
    ],
    own: {
      arc: [removeArc()],
      forge: [
        { verb: 'apply', path: 'install/forge/forge-setup.yaml' },
        job(forge.forge, 'users, repositories, protection, OAuth2'),
      ],
      ci: [
        rollout(namespaces.woodpecker, 'woodpecker-postgres', 'statefulset'),
        rollout(namespaces.woodpecker, 'woodpecker-server'),
        rollout(namespaces.woodpecker, 'woodpecker-agent'),
        job(forge.woodpecker, 'repository, webhook and secrets of Woodpecker'),
      ],
    },
    addresses: [
      { name: 'Gitea', url: settings.forge.url },
      { name: 'Woodpecker', url: `https://${hosts.ci}` },
    ],
    deskUrl: facts.deskUrl,
    notes: [
      `give every operator and approver an account in Gitea with the address that settings.ts names: ${[...people.operators, ...people.approvers].join(', ')}`,
      `put the rendered files into the application's repository: npm run app -- migrate --repo PATH --write`,
    ],
    kept: 'the forge',
  });
}

/** A dump of Woodpecker's database now: the nightly one may be of yesterday, or of tomorrow. */
function dumpNow({ databasePassword: { namespace, name } }: CiNames) {
  const path = `cronjob/${name}-backup`;
  return { path, namespace, name: `${name}-dump`, needs: path };
}

function probesOf(pairs: ReadonlyArray<readonly [SecretRef, StateProbes[string] | undefined]>): StateProbes {
  return Object.fromEntries(
    pairs.flatMap(([secret, probe]) => (probe === undefined ? [] : [[secretId(secret), probe] as const])),
  );
}

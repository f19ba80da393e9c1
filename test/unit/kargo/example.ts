import {
  type CommitStatusEvidence,
  type DeployTarget,
  type KargoValuesProps,
  type PromotionStagesProps,
  stageBranch,
} from '../../../constructs/kargo/index.ts';
import type { Stage } from '../../../model/stage-chain.ts';

/** Values with every option in use. */
export const everyKargoOption: KargoValuesProps = {
  image: { repository: 'ghcr.io/akuity/kargo', tag: 'v1.11.2' },
  host: 'kargo.example.org',
  argoCdUrl: 'https://argocd.example.org',
  adminSecret: 'kargo-admin-account',
  credentialsOverHttp: true,
  caConfigMap: 'private-ca',
  author: { name: 'kargo', email: 'kargo@example.org' },
  login: {
    forgeUrl: 'http://10.0.0.1:30300',
    image: { repository: 'ghcr.io/dexidp/dex', tag: 'v2.44.0' },
    secret: 'kargo-dex-gitea',
    users: { email: ['ada@example.org', 'bob@example.org'] },
    viewers: { groups: ['readers'] },
  },
};

export const evidence: CommitStatusEvidence = {
  forge: { kind: 'gitea', url: 'http://10.0.0.1:30300' },
  owner: 'apps',
  repository: 'shop',
  context: 'integration-test',
  creator: 'ci',
  timeout: '2h',
  tokenSecret: 'commit-status',
};

const window = { timeZone: 'America/New_York', days: ['Mon', 'Fri'], from: '09:30', to: '16:00' } as const;

/** A chain of the shape of the real ones, with some stages switched off. */
export function stages(...disabled: readonly string[]): readonly Stage[] {
  const all: readonly Omit<Stage, 'enabled'>[] = [
    { name: 'ci', kind: 'ci', promotion: 'automatic' },
    { name: 'beta', kind: 'deploy', promotion: 'automatic', namespace: 'shop-beta' },
    { name: 'paper', kind: 'deploy', promotion: 'manual', namespace: 'shop-paper', gate: { window } },
    { name: 'live', kind: 'deploy', promotion: 'manual', namespace: 'shop', gate: { window, note: 'required' } },
  ];
  return all.map((stage) => ({ ...stage, enabled: !disabled.includes(stage.name) }));
}

export function target(stage: string): DeployTarget {
  return {
    repository: 'http://10.0.0.1:30300/apps/pipelines.git',
    branch: stageBranch(stage),
    application: `shop-${stage}`,
  };
}

export function stagesProps(...disabled: readonly string[]): PromotionStagesProps {
  return {
    stages: stages(...disabled),
    warehouse: 'shop-images',
    image: 'registry.example.org/shop/api',
    evidence: { ci: evidence },
    targets: { beta: target('beta'), paper: target('paper'), live: target('live') },
  };
}

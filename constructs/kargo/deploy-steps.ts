import { expression, type PromotionStep, promotedTag, promotedTagInText, step, textExpression } from './steps.ts';

/** Where a promotion is written down, and the Application that then follows it. */
export interface DeployTarget {
  /** Address of the repository of promotions, byte-equal to the one in the Application and in the credentials. R25.1 */
  readonly repository: string;
  /** Branch of the stage; only Kargo's user pushes to it, and no pipeline listens to it. */
  readonly branch: string;
  /** File with the tag; it has to exist on the branch. @default 'values.yaml' */
  readonly file?: string;
  /** Dotted path of the tag in the file; it has to exist. R9.5 @default 'image.tag' */
  readonly key?: string;
  /** Application of the stage. */
  readonly application: string;
  /** Namespace of the Application. @default 'argocd' */
  readonly applicationNamespace?: string;
  /** How long the sync may take until the promotion fails. @default '10m' */
  readonly syncTimeout?: string;
  /** Seconds after its first step in which a promotion may still push. @default 900 */
  readonly freshSeconds?: number;
}

/**
 * The steps of a deployment: note the start, check out the branch, write the tag, commit, check that the start is not long
 * ago, push, and let Argo CD sync exactly that commit.
 *
 * Kargo runs a promotion from its first step again after its controller was away, with an empty memory if it had not paused
 * before. The gate has looked at the clock only when the promotion started; without the check a promotion that slept for
 * hours would push into closed hours. The start is therefore kept outside of the promotion, in the metadata of the Freight.
 * (The metadata of the Stage would not do: Kargo's own work on the Stage, which goes on at that very moment, can undo it.)
 */
export function deploySteps(stage: string, target: DeployTarget): readonly PromotionStep[] {
  const file = target.file ?? 'values.yaml';
  const fresh = target.freshSeconds ?? 900;
  // A name of a stage may hold hyphens, and a key in an expression must not.
  const key = `promotion_to_${stage.replaceAll('-', '_')}`;
  const started = `freightMetadata(ctx.targetFreight.name)?.${key}`;
  return [
    step(
      'set-metadata',
      {
        updates: [
          {
            kind: 'Freight',
            name: textExpression('ctx.targetFreight.name'),
            values: { [key]: { name: textExpression('ctx.promotion'), startedAt: expression('now().Unix()') } },
          },
        ],
      },
      { as: 'start', if: expression(`${started}?.name != ctx.promotion`) },
    ),
    step(
      'git-clone',
      { repoURL: target.repository, checkout: [{ branch: target.branch, path: './promoted' }] },
      { as: 'clone', retry: { timeout: '5m', errorThreshold: 3 } },
    ),
    step(
      'yaml-update',
      { path: `./promoted/${file}`, updates: [{ key: target.key ?? 'image.tag', value: promotedTag }] },
      { as: 'update' },
    ),
    step(
      'git-commit',
      {
        path: './promoted',
        message: [
          `${expression('ctx.stage')}: ${promotedTagInText}`,
          '',
          `Promotion: ${expression('ctx.promotion')}`,
          `Freight: ${expression('ctx.targetFreight.name')}`,
          `Actor: ${expression('ctx.meta.promotion.actor')}`,
          '',
        ].join('\n'),
      },
      { as: 'commit' },
    ),
    step(
      'fail',
      {
        message: `this promotion started more than ${fresh / 60} minutes ago and was interrupted; nothing was pushed, promote again`,
      },
      { as: 'fresh', if: expression(`success() && now().Unix() - ${started}.startedAt > ${fresh}`) },
    ),
    step('git-push', { path: './promoted', targetBranch: target.branch }, { as: 'push' }),
    step(
      'argocd-update',
      {
        apps: [
          {
            name: target.application,
            namespace: target.applicationNamespace ?? 'argocd',
            sources: [{ repoURL: target.repository, desiredRevision: textExpression('outputs.commit.commit') }],
          },
        ],
      },
      { as: 'sync', retry: { timeout: target.syncTimeout ?? '10m', errorThreshold: 3 } },
    ),
  ];
}

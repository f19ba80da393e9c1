import { checkout, expression, type Job, script, type WorkflowStep } from '../github-actions/index.ts';
import { scriptsFolder, type WorkflowScript } from '../image-jobs/index.ts';
import manifestsScript from './manifests.sh';

/**
 * The tag that manifests carry until the pipeline fills in the one that it pushed. It is a valid tag that no image has, so
 * that nothing old or moving runs by mistake.
 */
export const tagPlaceholder = 'set-by-the-pipeline';

export interface ManifestsBranchProps {
  /** The branch; it must start no pipeline. */
  readonly branch: string;
  /** Folders that make up its content, relative to the root of the repository. */
  readonly folders: readonly string[];
  /** Expression with the tag that was pushed, without `${{ }}`; never empty. */
  readonly tag: string;
  /** Steps before the tag is filled in. @default none */
  readonly before?: readonly WorkflowStep[];
  /** Checks of the filled manifests, in the folder `deploy`, before they are pushed. @default none */
  readonly validate?: readonly WorkflowStep[];
  readonly job: Pick<Job, 'needs' | 'if' | 'runs-on' | 'environment'>;
}

/** Text of `scripts/roll-back.sh` of the repository. */
export { default as rollBackScript } from './roll-back.sh';

const deployFolder = 'deploy';

/**
 * The job that writes manifests with the pushed tag to a branch of their own, which a GitOps controller follows. The branch
 * holds nothing else and needs no history in common with others; it gets a commit only when something changed.
 */
export class ManifestsBranch {
  readonly branch: string;
  readonly job: Job;
  readonly scripts: readonly WorkflowScript[];

  constructor(props: ManifestsBranchProps) {
    this.branch = props.branch;
    this.scripts = [{ path: `${scriptsFolder}/manifests.sh`, content: manifestsScript }];
    const call = `bash ${scriptsFolder}/manifests.sh`;
    const tag = { IMAGE_TAG: expression(props.tag) };
    this.job = {
      ...props.job,
      permissions: { contents: 'write' },
      concurrency: { group: `branch-${props.branch}`, 'cancel-in-progress': false },
      'timeout-minutes': 15,
      steps: [
        checkout({ history: true, credentials: true }),
        ...(props.before ?? []),
        script('Fill in the tag', `${call} fill ${deployFolder} ${props.folders.join(' ')}\n`, {
          env: { ...tag, TAG_PLACEHOLDER: tagPlaceholder },
        }),
        ...(props.validate ?? []),
        script(`Write the branch ${props.branch}`, `${call} push ${deployFolder}\n`, {
          env: {
            ...tag,
            MANIFESTS_BRANCH: props.branch,
            SOURCE_COMMIT: expression('github.sha'),
            GIT_AUTHOR_NAME: bot.name,
            GIT_AUTHOR_EMAIL: bot.email,
            GIT_COMMITTER_NAME: bot.name,
            GIT_COMMITTER_EMAIL: bot.email,
          },
        }),
        script(
          'Say what is deployed',
          'echo "Branch \\`$BRANCH\\`: tag \\`$IMAGE_TAG\\`" >> "$GITHUB_STEP_SUMMARY"\n',
          {
            env: { ...tag, BRANCH: props.branch },
          },
        ),
      ],
    };
  }
}

/** The account that pushes with the token of a run. */
const bot = { name: 'github-actions[bot]', email: '41898282+github-actions[bot]@users.noreply.github.com' };

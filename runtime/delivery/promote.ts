import { type DeliveredApplication, type DeliverySettings, promotionBranch } from '../../model/delivery/index.ts';
import { ProgramEnd } from '../program/exit.ts';
import type { GitRemote } from '../state/git.ts';
import type { Forge, OpenPullRequest } from './forge/index.ts';
import { imageOn, setImage, type WantedImage, wasDeployed } from './overlay.ts';
import { commitChange } from './repository.ts';

export interface Promotion {
  readonly settings: DeliverySettings;
  readonly application: DeliveredApplication;
  /** The repository with the overlays. */
  readonly remote: GitRemote;
  readonly forge: Forge;
  /**
   * The version that a Git tag gave to a commit; the commit has to have been in the sandbox.
   * @default - what the sandbox has now
   */
  readonly release?: { readonly tag: string; readonly commitTag: string };
}

/**
 * Proposes the sandbox's image for production: a branch off production's own branch with nothing but the image changed, and a
 * pull request. People merge it; this program never does.
 *
 * @returns the pull request, or undefined when production has the image already
 */
export async function promote(promotion: Promotion): Promise<OpenPullRequest | undefined> {
  const { settings, application, remote, forge } = promotion;
  const { branches, overlays } = settings;
  const image = await verifiedImage(promotion);
  const branch = promotionBranch(application.name, image.tag);
  const title = `Promote ${application.name} ${image.tag} to production`;
  const { changed } = await commitChange({
    remote,
    from: branches.production,
    to: branch,
    message: title,
    edit: (folder) => setImage(folder, overlays.production, image),
  });
  if (!changed) return undefined;
  return forge.openPullRequest(application.gitOps, {
    from: branch,
    to: branches.production,
    title,
    description: `${image.repository}:${image.tag} runs in the sandbox.\n\nThis changes the image in ${overlays.production} and nothing else. Production is synced by hand after the merge.`,
  });
}

async function verifiedImage({ settings, application, remote, release }: Promotion): Promise<WantedImage> {
  const { branches, overlays } = settings;
  if (!release) return imageOn(remote, branches.sandbox, overlays.sandbox);
  if (!(await wasDeployed(remote, branches.sandbox, overlays.sandbox, release.commitTag))) {
    throw new ProgramEnd(
      3,
      `${application.name} ${release.tag} is commit ${release.commitTag}, which was never in the sandbox; let main deliver it first`,
    );
  }
  return { repository: application.image, tag: release.tag };
}

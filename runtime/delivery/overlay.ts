import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { type Kustomization, kustomizationIn, overlayImage, withImage } from '../../model/delivery/index.ts';
import { ProgramEnd } from '../program/exit.ts';
import { type GitRemote, git } from '../state/git.ts';
import { type Changed, commitChange, withBranch } from './repository.ts';

export interface WantedImage {
  readonly repository: string;
  readonly tag: string;
}

/** Sets the image in the overlay's kustomization, comments and order kept. */
export async function setImage(folder: string, overlay: string, image: WantedImage): Promise<void> {
  const file = join(folder, kustomizationIn(overlay));
  const text = await readFile(file, 'utf8').catch(() => {
    throw new ProgramEnd(
      1,
      `${kustomizationIn(overlay)} is missing; push the rendered scaffold to the repository first`,
    );
  });
  const document = parseDocument(text);
  const kustomization = (document.toJS() ?? {}) as Kustomization;
  const now = overlayImage(kustomization);
  if (now?.repository === image.repository && now.tag === image.tag) return;
  document.set('images', document.createNode(withImage(kustomization.images ?? [], image.repository, image.tag)));
  await writeFile(file, document.toString({ lineWidth: 0 }));
}

/** The image that an overlay has on a branch; refuses an overlay that was never deployed to. */
export async function imageOn(remote: GitRemote, branch: string, overlay: string): Promise<WantedImage> {
  return withBranch(remote, branch, async (folder) => {
    const text = await readFile(join(folder, kustomizationIn(overlay)), 'utf8');
    const image = overlayImage(parseDocument(text).toJS() as Kustomization);
    if (!image) throw new ProgramEnd(3, `${overlay} on ${branch} has no image yet; deploy to the sandbox first`);
    return image;
  });
}

/** Whether an overlay ever had this tag on a branch: what was never in the sandbox does not get to production. */
export async function wasDeployed(remote: GitRemote, branch: string, overlay: string, tag: string): Promise<boolean> {
  return withBranch(remote, branch, async (folder) => {
    const log = await git(['log', '--format=%H', `-SnewTag: ${tag}`, '--', kustomizationIn(overlay)], { cwd: folder });
    return log.trim() !== '';
  });
}

/** Deploys an image to an overlay: one commit on its branch, or none where it is there already. */
export function updateOverlay(
  remote: GitRemote,
  branch: string,
  overlay: string,
  image: WantedImage,
  application: string,
  pause?: number,
): Promise<Changed> {
  return commitChange({
    remote,
    from: branch,
    message: `Deploy ${application} ${image.tag} to ${overlay}`,
    edit: (folder) => setImage(folder, overlay, image),
    ...(pause === undefined ? {} : { pause }),
  });
}

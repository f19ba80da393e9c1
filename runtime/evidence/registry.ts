import { type Patience, send } from './http.ts';

/** Kinds of manifests that an image tag may point to. */
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * The images that do not have the tag.
 * @param manifests address of each image's manifests, without the tag
 * @throws Error if the registry gives anything but a yes or a no
 */
export async function missingImages(
  manifests: readonly string[],
  tag: string,
  login: { readonly user: string; readonly password: string } | undefined,
  patience: Patience,
): Promise<readonly string[]> {
  const headers = {
    accept: manifestTypes,
    ...(login === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` }),
  };
  const missing: string[] = [];
  for (const manifest of manifests) {
    const { status } = await send(`${manifest}/${tag}`, { method: 'HEAD', headers }, patience);
    if (status === 404) {
      missing.push(manifest.replace(/\/manifests$/, '').replace(/^.*\//, ''));
    } else if (status !== 200) {
      throw new Error(`the registry did not say whether ${manifest}/${tag} is there: HTTP ${status}`);
    }
  }
  return missing;
}

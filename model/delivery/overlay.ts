import { kustomizationFile, placeholderImage } from './settings.ts';

/** What a kustomization says about the application's image. */
export interface OverlayImage {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
}

/** The part of a kustomization that is read. */
export interface Kustomization {
  readonly images?: readonly OverlayImage[];
}

/** The application's image in an overlay; undefined before its first deployment. */
export function overlayImage(kustomization: Kustomization): { repository: string; tag: string } | undefined {
  const entry = kustomization.images?.find((image) => image.name === placeholderImage);
  return entry?.newName && entry.newTag ? { repository: entry.newName, tag: entry.newTag } : undefined;
}

/** The `images` of an overlay with another image of the application; entries of other images stay. */
export function withImage(images: readonly OverlayImage[], repository: string, tag: string): readonly OverlayImage[] {
  const entry = { name: placeholderImage, newName: repository, newTag: tag };
  const others = images.filter((image) => image.name !== placeholderImage);
  return [...others, entry];
}

/** The kustomization of an overlay's folder. */
export function kustomizationIn(overlay: string): string {
  return `${overlay}/${kustomizationFile}`;
}

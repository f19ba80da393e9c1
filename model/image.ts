import { z } from 'zod';

/** A container image of somebody else's, always with a fixed tag. Images of the application come from the catalogue. */
export const imageSchema = z.strictObject({
  /** Registry and path, for example `docker.io/library/node`. */
  repository: z.string().regex(/^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)+$/, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no image repository; write registry and path, like docker.io/library/node`,
  }),
  /** A fixed tag, never `latest`. */
  tag: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is no tag; write one that the registry has`,
    })
    .refine((tag) => tag !== 'latest', 'the tag "latest" changes by itself; pin a version'),
  /** `sha256:...`, once it is known: it then decides what runs. */
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, {
      error: (issue) => `${JSON.stringify(issue.input)} is no digest; write sha256: and 64 hexadecimal digits`,
    })
    .optional(),
});

/** @see imageSchema */
export type Image = z.output<typeof imageSchema>;

/** The reference that a pod spec carries. */
export function imageReference(image: Image): string {
  return image.digest ? `${image.repository}:${image.tag}@${image.digest}` : `${image.repository}:${image.tag}`;
}

import { z } from 'zod';
import { dnsLabel, httpUrl } from '../identifiers.ts';
import { stageSchema } from '../stage-settings.ts';

/** What the desk has to know, in the file settings.json beside its program. No secrets: it acts with the token of its user. */
export const deskSettings = z.strictObject({
  /** Kargo project (namespace) whose stages it shows. R23.1 */
  project: dnsLabel,
  /** The chain, in order, with the very gates that the policies were generated from. R18.3, R20.1 */
  stages: z.array(stageSchema).min(1).readonly(),
  /** kargo-api as the desk reaches it inside the cluster. */
  kargoUrl: httpUrl,
  /** The audit recorder inside the cluster. @default - none: the history is what Kargo still has */
  recorderUrl: httpUrl.optional(),
  /** Repository of the image whose tag stands for a build. R21.1 @default - the first image of the Freight */
  image: z.string().optional(),
  /** Address of a commit, with `{tag}` where the tag goes. R21.1 @default - tags are not links */
  commitUrl: z
    .string()
    .refine(
      (text) => /^https?:\/\//.test(text) && text.includes('{tag}'),
      'it is no http(s) address with {tag} in it; correct it',
    )
    .optional(),
  /** The claim that Kargo names people by (`api.oidc.usernameClaim`). @default 'email' */
  usernameClaim: z.string().default('email'),
});

/** @see deskSettings */
export type DeskSettings = z.output<typeof deskSettings>;

import { createHash } from 'node:crypto';
import type { TagEvent } from '../tag-policy.ts';

/** A revision that was pushed, in the words that every forge's sensor uses. */
export interface PushEvent {
  readonly forge: string;
  /** Address of the repository, as the forge wrote it. */
  readonly url: string;
  /** `refs/heads/...` or `refs/tags/...`. */
  readonly ref: string;
  /** The commit. */
  readonly revision: string;
}

/** The commit that a forge names when a branch was deleted. */
export const noCommit = '0'.repeat(40);

/** The event in the words of the tag policy; undefined for a ref that is neither branch nor tag. */
export function tagEventOf(ref: string, sha: string): TagEvent | undefined {
  if (ref.startsWith('refs/heads/')) return { kind: 'push', sha, branch: ref.slice('refs/heads/'.length) };
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', sha, tag: ref.slice('refs/tags/'.length) };
  return undefined;
}

/**
 * Name of the Workflow of a push: the same push delivered twice is the same Workflow.
 */
export function workflowName(application: string, ref: string, revision: string): string {
  const hash = createHash('sha256').update(`${application} ${ref} ${revision}`).digest('hex').slice(0, 8);
  return `${application.slice(0, 40)}-${revision.slice(0, 7)}-${hash}`;
}

/** Branch of the pull request that brings an image to production. */
export function promotionBranch(application: string, tag: string): string {
  return `promote/${application}-${tag}`;
}

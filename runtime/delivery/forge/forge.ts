import type { RepositoryPlace } from '../../../model/forge-url/index.ts';

/** What a branch of a repository is protected by. */
export interface Protection {
  readonly branch: string;
  /** People, other than the author, who have to approve a change. */
  readonly reviewers: number;
}

export interface PullRequest {
  readonly from: string;
  readonly to: string;
  readonly title: string;
  readonly description: string;
}

export interface OpenPullRequest {
  readonly url: string;
  /** False when one for the same branches was open already. */
  readonly created: boolean;
}

/** Where a forge reports pushes to, and what proves that it was this forge. */
export interface Hook {
  readonly url: string;
  readonly secret: string;
}

/** What delivery needs of a forge. Every call may be repeated: it changes nothing that is as wanted. */
export interface Forge {
  /** True when the repository was made by this call. */
  ensureRepository(place: RepositoryPlace): Promise<boolean>;
  setDefaultBranch(place: RepositoryPlace, branch: string): Promise<void>;
  protect(place: RepositoryPlace, protection: Protection): Promise<void>;
  ensureHook(place: RepositoryPlace, hook: Hook): Promise<boolean>;
  openPullRequest(place: RepositoryPlace, request: PullRequest): Promise<OpenPullRequest>;
}

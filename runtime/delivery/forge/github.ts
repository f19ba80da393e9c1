import type { RepositoryPlace } from '../../../model/forge-url/index.ts';
import type { Forge, Hook, OpenPullRequest, Protection, PullRequest } from './forge.ts';
import { JsonApi } from './http.ts';

interface GitHubHook {
  readonly id: number;
  readonly active: boolean;
  readonly events: readonly string[];
  readonly config: { readonly url?: string; readonly content_type?: string };
}

interface GitHubPull {
  readonly html_url: string;
}

/** GitHub and GitHub Enterprise. @see https://docs.github.com/rest */
export class GitHub implements Forge {
  readonly #api: JsonApi;

  constructor(apiUrl: string, token: string, caFile?: string | undefined) {
    this.#api = new JsonApi(apiUrl, `Bearer ${token}`, caFile);
  }

  async ensureRepository({ owner, repository }: RepositoryPlace): Promise<boolean> {
    if (await this.#api.find(`/repos/${owner}/${repository}`)) return false;
    await this.#api.send('POST', `/orgs/${owner}/repos`, { name: repository, private: true, auto_init: false });
    return true;
  }

  async setDefaultBranch({ owner, repository }: RepositoryPlace, branch: string): Promise<void> {
    await this.#api.send('PATCH', `/repos/${owner}/${repository}`, { default_branch: branch });
  }

  async protect({ owner, repository }: RepositoryPlace, { branch, reviewers }: Protection): Promise<void> {
    await this.#api.send('PUT', `/repos/${owner}/${repository}/branches/${encodeURIComponent(branch)}/protection`, {
      required_pull_request_reviews: { required_approving_review_count: reviewers, dismiss_stale_reviews: true },
      required_status_checks: null,
      enforce_admins: true,
      restrictions: null,
      allow_force_pushes: false,
      allow_deletions: false,
    });
  }

  async ensureHook({ owner, repository }: RepositoryPlace, hook: Hook): Promise<boolean> {
    const path = `/repos/${owner}/${repository}/hooks`;
    const wanted = {
      active: true,
      // Nothing but pushes is sent at all; the sensor filters again.
      events: ['push'],
      config: { url: hook.url, content_type: 'json', insecure_ssl: '0', secret: hook.secret },
    };
    const present = (await this.#api.get<readonly GitHubHook[]>(path)).find(({ config }) => config.url === hook.url);
    // The secret cannot be read back, so it is written every time.
    if (present) await this.#api.send('PATCH', `${path}/${present.id}`, wanted);
    else await this.#api.send('POST', path, { name: 'web', ...wanted });
    return present === undefined;
  }

  async openPullRequest({ owner, repository }: RepositoryPlace, request: PullRequest): Promise<OpenPullRequest> {
    const path = `/repos/${owner}/${repository}/pulls`;
    const query = new URLSearchParams({ state: 'open', head: `${owner}:${request.from}`, base: request.to });
    const [open] = await this.#api.get<readonly GitHubPull[]>(`${path}?${query}`);
    if (open) return { url: open.html_url, created: false };
    const { from: head, to: base, title, description: body } = request;
    const made = await this.#api.send<GitHubPull>('POST', path, { head, base, title, body });
    return { url: made.html_url, created: true };
  }
}

import type { RepositoryPlace } from '../../../model/forge-url/index.ts';
import { ProgramEnd } from '../../program/exit.ts';
import type { Forge, Hook, OpenPullRequest, Protection, PullRequest } from './forge.ts';
import { basic, JsonApi } from './http.ts';

interface AzureRepository {
  readonly id: string;
  readonly project: { readonly id: string };
}

interface List<T> {
  readonly value: readonly T[];
}

interface AzurePolicy {
  readonly id: number;
  readonly type: { readonly id: string };
  readonly settings: { readonly scope?: ReadonlyArray<{ readonly repositoryId?: string; readonly refName?: string }> };
}

interface AzureSubscription {
  readonly id: string;
  readonly eventType: string;
  readonly publisherInputs: { readonly repository?: string };
  readonly consumerInputs: { readonly url?: string };
}

/** The policy type "minimum number of reviewers", the same on every Azure DevOps. */
const reviewersPolicy = 'fa4e907d-c16b-4a4c-9dfa-4906e5d171dd';

const version = 'api-version=7.0';

/** Azure DevOps, as a service and as a server of one's own. @see https://learn.microsoft.com/rest/api/azure/devops */
export class AzureDevOps implements Forge {
  readonly #api: JsonApi;

  constructor(apiUrl: string, token: string, caFile?: string | undefined) {
    this.#api = new JsonApi(apiUrl, basic('', token), caFile);
  }

  async ensureRepository(place: RepositoryPlace): Promise<boolean> {
    if (await this.#find(place)) return false;
    await this.#api.send('POST', `/${project(place)}/_apis/git/repositories?${version}`, { name: place.repository });
    return true;
  }

  async setDefaultBranch(place: RepositoryPlace, branch: string): Promise<void> {
    const { id } = await this.#repository(place);
    const path = `/${project(place)}/_apis/git/repositories/${id}?${version}`;
    await this.#api.send('PATCH', path, { defaultBranch: `refs/heads/${branch}` });
  }

  async protect(place: RepositoryPlace, { branch, reviewers }: Protection): Promise<void> {
    const { id } = await this.#repository(place);
    const path = `/${project(place)}/_apis/policy/configurations`;
    const refName = `refs/heads/${branch}`;
    const { value } = await this.#api.get<List<AzurePolicy>>(`${path}?${version}`);
    const present = value.find(
      (policy) =>
        policy.type.id === reviewersPolicy &&
        policy.settings.scope?.some((scope) => scope.repositoryId === id && scope.refName === refName),
    );
    const wanted = {
      isEnabled: true,
      isBlocking: true,
      type: { id: reviewersPolicy },
      settings: {
        minimumApproverCount: reviewers,
        creatorVoteCounts: false,
        resetOnSourcePush: true,
        scope: [{ repositoryId: id, refName, matchKind: 'Exact' }],
      },
    };
    if (present) await this.#api.send('PUT', `${path}/${present.id}?${version}`, wanted);
    else await this.#api.send('POST', `${path}?${version}`, wanted);
  }

  async ensureHook(place: RepositoryPlace, hook: Hook): Promise<boolean> {
    const repository = await this.#repository(place);
    const path = '/_apis/hooks/subscriptions';
    const { value } = await this.#api.get<List<AzureSubscription>>(`${path}?${version}`);
    const present = value.find(
      ({ eventType, publisherInputs, consumerInputs }) =>
        eventType === 'git.push' && publisherInputs.repository === repository.id && consumerInputs.url === hook.url,
    );
    const wanted = {
      publisherId: 'tfs',
      eventType: 'git.push',
      resourceVersion: '1.0',
      consumerId: 'webHooks',
      consumerActionId: 'httpRequest',
      publisherInputs: { projectId: repository.project.id, repository: repository.id, branch: '' },
      consumerInputs: { url: hook.url, httpHeaders: `Authorization: Bearer ${hook.secret}` },
    };
    if (present) await this.#api.send('PUT', `${path}/${present.id}?${version}`, { id: present.id, ...wanted });
    else await this.#api.send('POST', `${path}?${version}`, wanted);
    return present === undefined;
  }

  async openPullRequest(place: RepositoryPlace, request: PullRequest): Promise<OpenPullRequest> {
    const { id } = await this.#repository(place);
    const path = `/${project(place)}/_apis/git/repositories/${id}/pullrequests`;
    const sourceRefName = `refs/heads/${request.from}`;
    const targetRefName = `refs/heads/${request.to}`;
    const query = new URLSearchParams({
      'searchCriteria.status': 'active',
      'searchCriteria.sourceRefName': sourceRefName,
      'searchCriteria.targetRefName': targetRefName,
    });
    const { value } = await this.#api.get<List<{ pullRequestId: number; url: string }>>(`${path}?${query}&${version}`);
    const open = value[0];
    if (open) return { url: open.url, created: false };
    const { title, description } = request;
    const made = await this.#api.send<{ url: string }>('POST', `${path}?${version}`, {
      sourceRefName,
      targetRefName,
      title,
      description,
    });
    return { url: made.url, created: true };
  }

  #find(place: RepositoryPlace): Promise<AzureRepository | undefined> {
    const name = encodeURIComponent(place.repository);
    return this.#api.find<AzureRepository>(`/${project(place)}/_apis/git/repositories/${name}?${version}`);
  }

  async #repository(place: RepositoryPlace): Promise<AzureRepository> {
    const found = await this.#find(place);
    if (!found) throw new ProgramEnd(1, `there is no repository ${place.project}/${place.repository}; create it first`);
    return found;
  }
}

function project(place: RepositoryPlace): string {
  return encodeURIComponent(place.project ?? '');
}

import { type Patience, send } from './http.ts';

export type StatusState = 'pending' | 'success' | 'failure' | 'error';

export interface StatusRequest {
  readonly api: string;
  readonly kind: 'gitea' | 'github';
  readonly repository: string;
  readonly commit: string;
  readonly token: string;
  readonly context: string;
  readonly state: StatusState;
  readonly description: string;
  /** Where the details are; the engine's page of the run, or the stored results. */
  readonly target: string;
}

/** GitHub refuses longer ones. */
const longestDescription = 140;

/**
 * Sets the status of a commit.
 * @throws Error if the forge did not confirm exactly this state
 */
export async function setStatus(request: StatusRequest, patience: Patience): Promise<void> {
  const { description } = request;
  const answer = await send(
    `${request.api}/repos/${request.repository}/statuses/${request.commit}`,
    {
      method: 'POST',
      headers: {
        authorization: `${request.kind === 'github' ? 'Bearer' : 'token'} ${request.token}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify({
        context: request.context,
        state: request.state,
        description:
          description.length > longestDescription ? `${description.slice(0, longestDescription - 3)}...` : description,
        target_url: request.target,
      }),
    },
    patience,
  );
  if (answer.status !== 201 || stateIn(answer.body) !== request.state) {
    throw new Error(
      `the forge did not set the status "${request.context}" to ${request.state}: HTTP ${answer.status}${hint(answer.status)}`,
    );
  }
}

/** Gitea calls the field `status`, GitHub `state`. */
function stateIn(body: string): unknown {
  try {
    const answer = JSON.parse(body) as { status?: unknown; state?: unknown };
    return answer.status ?? answer.state;
  } catch {
    return undefined;
  }
}

/**
 * Stores a file in the forge's generic package registry and returns its address. A file that is there already is fine
 * if it is the same.
 * @throws Error if it is not stored, or another one stands in its place
 */
export async function storePackage(
  base: string,
  version: string,
  name: string,
  content: string,
  token: string,
  patience: Patience,
): Promise<string> {
  const address = `${base}/${version}/${name}`;
  const headers = { authorization: `token ${token}` };
  const answer = await send(address, { method: 'PUT', headers, body: content }, patience);
  if (answer.status === 201) {
    return address;
  }
  if (answer.status === 409) {
    const stored = await send(address, { method: 'GET', headers }, patience);
    if (stored.status === 200 && stored.body === content) {
      return address;
    }
    throw new Error(`another results file is already stored at ${address}`);
  }
  throw new Error(`the forge did not store the results: HTTP ${answer.status}${hint(answer.status)}`);
}

function hint(status: number): string {
  switch (status) {
    case 401:
      return ' (the token is not valid: renew the secret)';
    case 403:
      return ' (the token may not do this: it needs to write the repository and its packages)';
    case 404:
      return ' (not found: is the repository right, and may the token see it?)';
    default:
      return '';
  }
}

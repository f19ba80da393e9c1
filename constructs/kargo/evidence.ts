import { expression, type PromotionStep, promotedTagInText, step } from './steps.ts';

/** A repository on a forge whose API tells the status of a commit. */
export type StatusForge =
  | {
      readonly kind: 'gitea';
      /** Address of the forge, for example `http://10.1.1.12:30300`. */
      readonly url: string;
    }
  | {
      readonly kind: 'github';
      /** Address of the API. @default 'https://api.github.com' */
      readonly apiUrl?: string;
    };

/**
 * Evidence that a build is good: a status that the pipeline sets on the commit the image was built from. The tag of the
 * image is the commit.
 */
export interface CommitStatusEvidence {
  /** Where the status is asked for. */
  readonly forge: StatusForge;
  /** Owner (user or organisation) of the repository. */
  readonly owner: string;
  /** Name of the repository. */
  readonly repository: string;
  /** Context of the status, for example `integration-test`. R5.3 */
  readonly context: string;
  /** Log-in of the only user whose status counts. R5.3, R15.3 */
  readonly creator: string;
  /** How long to wait for the status: as long as the pipeline may take, for example `2h`. */
  readonly timeout: string;
  /** How often to ask. At least 10s. @default '10s' */
  readonly pollInterval?: string;
  /** Secret of the project with the key `token`, a token that may read the repository. */
  readonly tokenSecret: string;
}

/** Errors of the forge in a row of attempts that are waited out: at ten seconds each, more than three minutes of outage. */
const toleratedErrors = 20;

/**
 * The step that waits for the evidence: running while there is none, failed on a bad one, errored when the time is over.
 * A status by anybody else is no evidence at all.
 */
export function evidenceStep(evidence: CommitStatusEvidence): PromotionStep {
  const { statuses, url, headers, state } = spelling(evidence);
  const counts = `.context == ${text(evidence.context)} && .creator?.login == ${text(evidence.creator)}`;
  // The newest status of a context comes first (Gitea lists only that one). Nothing is read from an answer of an error.
  const found = `find(${statuses}, ${counts})`;
  return step(
    'http',
    {
      method: 'GET',
      url,
      headers,
      timeout: '10s',
      pollInterval: evidence.pollInterval ?? '10s',
      successExpression: `response.status == 200 && ${found}?.${state} == 'success'`,
      failureExpression: `response.status == 200 && ${found}?.${state} in ['failure', 'error']`,
      errorExpression: `${text(`${evidence.context} failed: `)} + (${found}?.description ?? 'no description')`,
    },
    { as: 'evidence', retry: { timeout: evidence.timeout, errorThreshold: toleratedErrors } },
  );
}

function spelling(evidence: CommitStatusEvidence) {
  const { forge, owner, repository, tokenSecret } = evidence;
  const token = expression(`secret(${text(tokenSecret)}).token`);
  if (forge.kind === 'gitea') {
    return {
      url: `${forge.url}/api/v1/repos/${owner}/${repository}/commits/${promotedTagInText}/status`,
      headers: [{ name: 'Authorization', value: `token ${token}` }],
      statuses: 'response.body.statuses ?? []',
      state: 'status',
    };
  }
  return {
    // The list of statuses, not the combined one: only the list names the creators.
    url: `${forge.apiUrl ?? 'https://api.github.com'}/repos/${owner}/${repository}/commits/${promotedTagInText}/statuses?per_page=100`,
    headers: [
      { name: 'Authorization', value: `Bearer ${token}` },
      { name: 'Accept', value: 'application/vnd.github+json' },
    ],
    statuses: 'response.body',
    state: 'state',
  };
}

/** A text in single quotes, as the expression language takes it. */
function text(value: string): string {
  if (/['\\\n]/.test(value)) {
    throw new Error(
      `${JSON.stringify(value)} cannot stand in a Kargo expression; use no quotes, backslashes or line ends`,
    );
  }
  return `'${value}'`;
}

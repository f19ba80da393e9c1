/** The contents API of Gitea (and Forgejo), for one branch of one repository. */
export interface ForgeBranchOptions {
  /** Address of the forge without slash at the end, for example `http://10.1.1.12:30300`. */
  readonly url: string;
  readonly owner: string;
  readonly repository: string;
  readonly branch: string;
  /** User and password (or token) for HTTP basic authentication, read before every request: Secrets change. */
  readonly credentials: () => Promise<{ readonly user: string; readonly password: string }>;
  /** Milliseconds for one request. @default 15000 */
  readonly timeout?: number;
  readonly fetch?: typeof fetch;
}

export interface ForgeFile {
  readonly text: string;
  /** Blob identity; a write names the one it replaces, so that nothing is overwritten unseen. */
  readonly sha: string;
}

interface Content {
  readonly path?: string;
  readonly type?: string;
  readonly sha?: string;
  readonly content?: string | null;
}

/** Errors say status and the forge's own words, never the credentials. */
export class ForgeBranch {
  private readonly options: ForgeBranchOptions;

  constructor(options: ForgeBranchOptions) {
    this.options = options;
  }

  /** Paths of the files in a folder; empty when the folder does not exist. */
  async list(folder: string): Promise<readonly string[]> {
    const answer = await this.request<readonly Content[]>('GET', folder);
    return (answer ?? []).flatMap((entry) => (entry.type === 'file' && entry.path ? [entry.path] : []));
  }

  /** Undefined when the file does not exist. */
  async read(file: string): Promise<ForgeFile | undefined> {
    const answer = await this.request<Content>('GET', file);
    if (!answer?.sha) return undefined;
    return { text: Buffer.from(answer.content ?? '', 'base64').toString('utf8'), sha: answer.sha };
  }

  /** One commit that makes the file, or replaces the version `sha`. */
  async write(file: string, text: string, message: string, sha?: string): Promise<void> {
    const content = Buffer.from(text).toString('base64');
    const body = { branch: this.options.branch, content, message, sha };
    await this.request(sha === undefined ? 'POST' : 'PUT', file, body);
  }

  private async request<Answer>(method: string, file: string, body?: unknown): Promise<Answer | undefined> {
    const { url, owner, repository, branch, timeout = 15_000 } = this.options;
    const place = [owner, repository].map(encodeURIComponent).join('/');
    const target = `${url}/api/v1/repos/${place}/contents/${file.split('/').map(encodeURIComponent).join('/')}`;
    const { user, password } = await this.options.credentials();
    const send = this.options.fetch ?? fetch;
    let response: Response;
    let text: string;
    try {
      response = await send(body === undefined ? `${target}?ref=${encodeURIComponent(branch)}` : target, {
        method,
        headers: {
          accept: 'application/json',
          authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
      });
      text = await response.text();
    } catch (error) {
      const cause = (error as { cause?: { code?: unknown } }).cause?.code;
      throw new Error(
        `the forge at ${url} does not answer (${typeof cause === 'string' ? cause : (error as Error).name})`,
      );
    }
    if (response.status === 404 && method === 'GET') return undefined;
    if (!response.ok) {
      throw new Error(
        `the forge refused ${method} ${owner}/${repository}/${file} on branch ${branch}: ${response.status} ${wordsOf(text)}`,
      );
    }
    return JSON.parse(text) as Answer;
  }
}

function wordsOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.slice(0, 300);
  } catch {
    // No JSON: the status alone must do.
  }
  return '';
}

/** A request that is over: an answer of whatever status. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Patience {
  /** Seconds until one attempt counts as failed. */
  readonly timeoutSeconds: number;
  /** Attempts in all. */
  readonly attempts: number;
}

/**
 * Sends a request, again after no answer, a time-out or a fault of the server (5xx, 429); pauses double from half a
 * second. Redirects are not followed: a token must not travel to another host.
 * @throws Error if the last attempt got no answer
 */
export async function send(url: string, request: RequestInit, patience: Patience): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(url, {
        ...request,
        redirect: 'manual',
        signal: AbortSignal.timeout(patience.timeoutSeconds * 1000),
      });
      const answer = { status: response.status, body: await response.text() };
      if ((answer.status < 500 && answer.status !== 429) || attempt >= patience.attempts) {
        return answer;
      }
    } catch (error) {
      if (attempt >= patience.attempts) {
        throw new Error(`${request.method ?? 'GET'} ${url}: ${reasonOf(error)} (${attempt} attempts)`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
  }
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === 'TimeoutError') {
    return 'no answer in time';
  }
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
}

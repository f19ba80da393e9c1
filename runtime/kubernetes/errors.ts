/**
 * A refusal or failure of the API server.
 *
 * `status` is the HTTP code (0 when no answer came), `reason` the machine-readable reason of the answer
 * (`NotFound`, `AlreadyExists`, `Conflict`, `Forbidden`, `Expired`, ... or `Unreachable`), `message` says what was asked
 * and what the server answered.
 */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly status: number;
  readonly reason: string;
  /** The server's own words, without the request in front. */
  readonly serverMessage: string;

  constructor(request: string, status: number, reason: string, serverMessage: string, options?: ErrorOptions) {
    super(`${request}: ${status === 0 ? '' : `${status} `}${reason}: ${serverMessage}`, options);
    this.status = status;
    this.reason = reason;
    this.serverMessage = serverMessage;
  }
}

/** True for errors of the API server with this reason; `isReason(error, 'NotFound')`. */
export function isReason(error: unknown, ...reasons: string[]): error is KubernetesError {
  return error instanceof KubernetesError && reasons.includes(error.reason);
}

/** The server or the way to it is at fault, so the same request may pass later. */
export function isTransient(error: unknown): boolean {
  return error instanceof KubernetesError && (error.status === 0 || error.status === 429 || error.status >= 500);
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Makes the error from an answer: a `Status` object where the server sent one, else the bare text. */
export function errorFromAnswer(request: string, status: number, body: string): KubernetesError {
  let reason = REASONS[status] ?? 'Unknown';
  let message = body.trim().slice(0, 500) || 'no message';
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) {
      const answer = parsed as { reason?: unknown; message?: unknown };
      if (typeof answer.reason === 'string' && answer.reason !== '') reason = answer.reason;
      if (typeof answer.message === 'string' && answer.message !== '') message = answer.message;
    }
  } catch {
    // Not JSON: the text itself is the best message there is.
  }
  if (reason === 'Gone') reason = 'Expired';
  return new KubernetesError(request, status, reason, message);
}

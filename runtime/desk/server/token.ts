/** The user's token: taken from the request, sent on to Kargo, never kept and never written anywhere. */

/** RFC 6750 characters; a bound, because a header of a megabyte is no token. */
const bearer = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i;
const longestToken = 8192;

export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.length > longestToken + 7) return undefined;
  return bearer.exec(header)?.[1];
}

/** What the token says about its owner. Only Kargo can check it: this is for display, never for a decision. */
export interface TokenOwner {
  /** As Kargo will write it: `admin`, `email:alice@example.org`, `unknown actor`. */
  readonly actor: string;
  readonly expires?: Date;
}

/** @param usernameClaim the claim that Kargo names people by (`api.oidc.usernameClaim`) */
export function tokenOwner(token: string, usernameClaim: string): TokenOwner {
  const claims = tokenClaims(token);
  if (!claims) return { actor: 'unknown actor' };
  const expires =
    typeof claims.exp === 'number' && Number.isFinite(claims.exp) ? new Date(claims.exp * 1000) : undefined;
  return { actor: actorOf(claims, usernameClaim), expires };
}

function actorOf(claims: Readonly<Record<string, unknown>>, usernameClaim: string): string {
  if (claims.sub === 'admin') return 'admin';
  // Tokens of service accounts: Kargo does not know whose they are.
  if (typeof claims.sub === 'string' && claims.sub.startsWith('system:serviceaccount:')) return 'unknown actor';
  for (const [prefix, claim] of [
    [usernameClaim, usernameClaim],
    ['email', 'email'],
    ['subject', 'sub'],
  ] as const) {
    const value = claims[claim];
    if (typeof value === 'string' && value !== '') return `${prefix}:${value.slice(0, 256)}`;
  }
  return 'unknown actor';
}

function tokenClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

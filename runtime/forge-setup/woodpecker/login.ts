import { exitCode, ProgramEnd } from '../../program/exit.ts';
import { type Credentials, csrf, logInToForge } from '../gitea/web-session.ts';
import { HttpSession, type Reply } from '../http.ts';

/**
 * Gets a token of Woodpecker without a browser: log-in to the forge, consent to Woodpecker (asked only once), its callback, and its
 * page for tokens. Woodpecker has no other way to a first user.
 */
export async function woodpeckerToken(options: {
  readonly forgeUrl: string;
  readonly forgeCaFile?: string | undefined;
  readonly credentials: Credentials;
  /** As browsers see it. */
  readonly url: string;
  /** How this program reaches it. */
  readonly internalUrl: string;
  readonly caFile?: string | undefined;
}): Promise<string> {
  const { url, internalUrl, credentials } = options;
  const forge = await logInToForge(options.forgeUrl, credentials, options.forgeCaFile);
  const woodpecker = new HttpSession(internalUrl, { caFile: options.caFile, cookies: true });
  const start = await woodpecker.send('GET', '/authorize');
  if (!start.location.includes('/login/oauth/authorize?')) {
    throw new ProgramEnd(
      exitCode.failed,
      `${internalUrl}/authorize does not lead to the forge (${start.status}): ${start.body.slice(0, 200)}`,
    );
  }
  const query = new URL(start.location, options.forgeUrl).search;
  let reply = await forge.http.send('GET', `/login/oauth/authorize${query}`);
  if (reply.status === 200) reply = await consent(forge.http, reply, new URLSearchParams(query));
  const callback = callbackOf(reply, url);
  const landed = await woodpecker.send('GET', callback.pathname + callback.search);
  const error = new URL(landed.location || '/', url).searchParams.get('error');
  if (error !== null || (landed.status !== 303 && landed.status !== 302)) {
    throw new ProgramEnd(
      exitCode.failed,
      `Woodpecker refuses the log-in (${error ?? landed.status}): ${loginProblem(error, credentials)}`,
    );
  }
  const config = await woodpecker.send('GET', '/web-config.js');
  const token = /WOODPECKER_CSRF\s*=\s*"([^"]*)"/.exec(config.body)?.[1];
  if (!token) {
    throw new ProgramEnd(
      exitCode.failed,
      `${internalUrl}: the session was not accepted (its cookie may need https: reach Woodpecker by the address in WOODPECKER_HOST)`,
    );
  }
  const minted = await woodpecker.send('POST', '/api/user/token', { headers: { 'x-csrf-token': token } });
  if (minted.status !== 200 || minted.body.trim() === '') {
    throw new ProgramEnd(exitCode.failed, `${internalUrl}: no token (${minted.status}): ${minted.body.slice(0, 200)}`);
  }
  return minted.body.trim();
}

/** The page that asks whether Woodpecker may act for the user; it comes once in the life of the application. */
function consent(http: HttpSession, page: Reply, query: URLSearchParams): Promise<Reply> {
  return http.send('POST', '/login/oauth/grant', {
    form: {
      ...csrf(page),
      client_id: query.get('client_id') ?? '',
      state: query.get('state') ?? '',
      redirect_uri: query.get('redirect_uri') ?? '',
      scope: query.get('scope') ?? '',
      nonce: '',
      granted: 'true',
    },
  });
}

function callbackOf(reply: Reply, url: string): URL {
  const wanted = new URL('/authorize', url);
  const given = URL.canParse(reply.location) ? new URL(reply.location) : undefined;
  if (
    given === undefined ||
    given.origin + given.pathname !== wanted.origin + wanted.pathname ||
    !given.searchParams.has('code')
  ) {
    throw new ProgramEnd(
      exitCode.failed,
      `the forge does not send the log-in back to ${wanted} (${reply.status} ${reply.location || 'no redirect'}): ` +
        'the redirect address of its OAuth2 application and WOODPECKER_HOST have to be equal',
    );
  }
  return given;
}

function loginProblem(error: string | null, credentials: Credentials): string {
  const known: Record<string, string> = {
    registration_closed: `${credentials.username} is not in WOODPECKER_ADMIN`,
    oauth_error: 'its client id or secret is wrong, or it does not reach the forge (address, CA)',
    invalid_state: 'the log-in took longer than five minutes; run again',
    org_access_denied: `${credentials.username} is in no organization of WOODPECKER_ORGS`,
    internal_error: 'see the log of the Woodpecker server',
  };
  return known[error ?? ''] ?? 'see the log of the Woodpecker server';
}

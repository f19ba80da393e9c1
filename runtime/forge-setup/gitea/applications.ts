import type { OAuthApplication } from '../../../model/forge-setup/settings.ts';
import { HttpSession } from '../http.ts';
import type { Report } from '../report.ts';
import type { GiteaClient } from './client.ts';

interface Application {
  id: number;
  name: string;
  client_id: string;
  client_secret: string;
  redirect_uris: string[];
  confidential_client: boolean;
}

export interface ClientIdentity {
  readonly id: string;
  readonly secret: string;
}

/**
 * Makes sure that an OAuth2 application exists and that the given identity works for it. The forge shows a secret only when it is
 * made, and any change to the application makes a new one: so nothing is changed while the identity works.
 *
 * @param held what the consumer's Secret holds
 * @returns the identity that works, and whether it is new
 */
export async function ensureApplication(
  gitea: GiteaClient,
  wanted: OAuthApplication,
  held: ClientIdentity | undefined,
  report: Report,
  caFile?: string,
): Promise<{ identity: ClientIdentity; isNew: boolean }> {
  const label = `OAuth2 application ${wanted.name}`;
  const known = (await gitea.list<Application>('/user/applications/oauth2')).find(({ name }) => name === wanted.name);
  const body = {
    name: wanted.name,
    redirect_uris: [...wanted.redirectUris],
    // Left out, both would be false: the forge would then ask for PKCE, which not every consumer sends.
    confidential_client: true,
    skip_secondary_authorization: true,
  };
  if (known === undefined) {
    const made = await gitea.call<Application>('POST', '/user/applications/oauth2', body);
    report.changed(`${label} made`);
    return { identity: { id: made.client_id, secret: made.client_secret }, isNew: true };
  }
  const fits =
    known.confidential_client && [...known.redirect_uris].sort().join() === [...wanted.redirectUris].sort().join();
  if (fits && held !== undefined && held.id === known.client_id && (await secretWorks(gitea.url, held, caFile))) {
    report.kept(label);
    return { identity: held, isNew: false };
  }
  const changed = await gitea.call<Application>('PATCH', `/user/applications/oauth2/${known.id}`, body);
  report.changed(`${label} got a new secret (${fits ? 'the old one was lost' : 'its addresses changed'})`);
  return { identity: { id: changed.client_id, secret: changed.client_secret }, isNew: true };
}

/** Asks the forge with a code that cannot exist: the answer tells whether the secret was right. */
async function secretWorks(url: string, held: ClientIdentity, caFile: string | undefined): Promise<boolean> {
  if (held.secret === '') return false;
  const reply = await new HttpSession(url, { caFile }).send('POST', '/login/oauth/access_token', {
    form: { grant_type: 'authorization_code', client_id: held.id, client_secret: held.secret, code: 'set-up-check' },
  });
  return !/invalid (empty )?client secret|cannot load client/.test(reply.body);
}

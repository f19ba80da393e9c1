import { randomUUID } from 'node:crypto';
import type { GiteaStandIn } from './gitea-stand-in.ts';
import { type Call, redirect, StandInServer, sendHtml, sendJson } from './stand-in-server.ts';

interface Repo {
  id: number;
  forge_remote_id: string;
  full_name: string;
  active: boolean;
  hookToken: string;
  config_file: string;
  timeout: number;
  visibility: string;
  require_approval: string;
  allow_pr: boolean;
  trusted: { network: boolean; volumes: boolean; security: boolean };
  secrets: Map<string, { value: string; events: string[] }>;
}

/** Woodpecker 3.17 as far as the set-up sees it. Its client id and secret are those it was started with. */
export class WoodpeckerStandIn extends StandInServer {
  readonly admins = new Set<string>();
  client = { id: '', secret: '' };
  repos: Repo[] = [];
  private readonly gitea: GiteaStandIn;
  private tokens = new Map<string, string>();
  private readonly sessions = new Map<string, string>();
  private ids = 0;

  constructor(gitea: GiteaStandIn) {
    super();
    this.gitea = gitea;
  }

  /** The database is gone. */
  wipe(): void {
    this.repos = [];
    this.tokens = new Map();
  }

  protected override async answer(call: Call): Promise<boolean> {
    const { pathname } = call.url;
    if (pathname === '/authorize') return this.authorize(call);
    if (pathname === '/web-config.js') {
      const csrf = this.sessions.has(call.cookies.get('user_sess') ?? '')
        ? `csrf-${call.cookies.get('user_sess')}`
        : '';
      return sendHtml(call, `window.WOODPECKER_USER = {};\nwindow.WOODPECKER_CSRF = "${csrf}";\n`);
    }
    if (pathname === '/api/hook') {
      const repo = this.repos.find(({ hookToken }) => hookToken === call.url.searchParams.get('access_token'));
      call.response
        .writeHead(repo === undefined ? 400 : 204)
        .end(repo === undefined ? 'failure to parse token from hook' : '');
      return true;
    }
    if (pathname === '/api/user/token' && call.method === 'POST') {
      const session = call.cookies.get('user_sess') ?? '';
      const login = this.sessions.get(session);
      if (login === undefined || call.request.headers['x-csrf-token'] !== `csrf-${session}`) return sendJson(call, 401);
      const token = `wp-${login}-${randomUUID()}`;
      this.tokens.set(token, login);
      call.response.writeHead(200, { 'content-type': 'text/plain' }).end(token);
      return true;
    }
    return this.api(call, pathname.slice('/api/'.length).split('/'));
  }

  private async authorize(call: Call): Promise<boolean> {
    const code = call.url.searchParams.get('code');
    if (code === null) {
      const query = new URLSearchParams({
        client_id: this.client.id,
        redirect_uri: `${this.url}/authorize`,
        response_type: 'code',
        state: 'st+te/=',
      });
      return redirect(call, `http://forge.invalid/login/oauth/authorize?${query}`);
    }
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: this.client.id,
      client_secret: this.client.secret,
    });
    const answer = await fetch(`${this.gitea.url}/login/oauth/access_token`, { method: 'POST', body: form });
    if (!answer.ok) return redirect(call, '/login?error=oauth_error');
    const { access_token } = (await answer.json()) as { access_token: string };
    const login = access_token.replace('token-of-', '');
    if (!this.admins.has(login)) return redirect(call, '/login?error=registration_closed');
    const session = randomUUID();
    this.sessions.set(session, login);
    return redirect(call, '/', { 'set-cookie': `user_sess=${session}; Path=/; HttpOnly` });
  }

  private api(call: Call, parts: string[]): boolean {
    const login = this.tokens.get((call.request.headers.authorization ?? '').replace('Bearer ', ''));
    if (login === undefined) {
      call.response.writeHead(401).end('User not authorized');
      return true;
    }
    const [a, b, c, d] = parts;
    if (a === 'user') return sendJson(call, 200, { id: 1, login, admin: true });
    if (a !== 'repos') return false;
    const json = call.body === '' ? {} : JSON.parse(call.body);
    if (b === undefined && call.method === 'POST') return this.activate(call);
    if (b === 'lookup') {
      const repo = this.repos.find(({ full_name }) => full_name === `${c}/${d}`);
      return repo === undefined ? sendJson(call, 404) : sendJson(call, 200, shown(repo));
    }
    const repo = this.repos.find(({ id }) => id === Number(b));
    if (repo === undefined) return sendJson(call, 404);
    if (c === undefined && call.method === 'PATCH') {
      Object.assign(repo, json);
      return sendJson(call, 200, shown(repo));
    }
    if (c === 'repair') {
      // Removes nothing that is not its own, and registers a webhook.
      this.register(repo);
      return sendJson(call, 204);
    }
    if (c !== 'secrets') return false;
    if (call.method === 'GET')
      return sendJson(
        call,
        200,
        [...repo.secrets].map(([name, { events }]) => ({ id: 1, name, events, images: [] })),
      );
    if (json.value === '' || (json.events ?? []).length === 0) return sendJson(call, 422);
    if (call.method === 'POST' && repo.secrets.has(json.name)) return sendJson(call, 500);
    repo.secrets.set(json.name, { value: json.value, events: json.events });
    return sendJson(call, 200, { name: json.name });
  }

  private activate(call: Call): boolean {
    const forgeId = call.url.searchParams.get('forge_remote_id') ?? '';
    const found = [...this.gitea.repos].find(([, { id }]) => String(id) === forgeId);
    if (found === undefined) return sendJson(call, 404);
    const known = this.repos.find(({ forge_remote_id }) => forge_remote_id === forgeId);
    if (known?.active) {
      call.response.writeHead(409).end('Repository is already active.');
      return true;
    }
    this.ids += 1;
    const repo: Repo = {
      id: this.ids,
      forge_remote_id: forgeId,
      full_name: found[0],
      active: true,
      hookToken: '',
      config_file: '',
      timeout: 60,
      visibility: 'private',
      require_approval: 'forks',
      allow_pr: true,
      trusted: { network: false, volumes: false, security: false },
      secrets: new Map(),
    };
    this.repos.push(repo);
    this.register(repo);
    return sendJson(call, 200, shown(repo));
  }

  private register(repo: Repo): void {
    repo.hookToken = randomUUID();
    this.gitea.addHook(repo.full_name, `${this.url}/api/hook?access_token=${repo.hookToken}`);
  }
}

function shown(repo: Repo): object {
  const { secrets: _, hookToken: __, ...rest } = repo;
  return rest;
}

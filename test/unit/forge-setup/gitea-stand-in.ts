import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveGit } from '../../support/git-server.ts';
import { type Call, redirect, StandInServer, sendHtml, sendJson } from './stand-in-server.ts';

export interface StandInUser {
  id: number;
  login: string;
  email: string;
  password: string;
  is_admin: boolean;
  twoFactor: boolean;
  tokens: { id: number; name: string; scopes: string[]; token: string }[];
}
interface Hook {
  id: number;
  active: boolean;
  config: { url: string };
  deliveries: { uuid: string; status: number }[];
}
interface Repo {
  id: number;
  owner: string;
  name: string;
  private: boolean;
  default_branch: string;
  collaborators: Map<string, string>;
  protections: Record<string, unknown>[];
  hooks: Hook[];
}
interface App {
  id: number;
  name: string;
  client_id: string;
  secretHash: string;
  redirect_uris: string[];
  confidential_client: boolean;
  granted: boolean;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Gitea 1.25 as far as the set-up sees it, with the shapes of a real one's answers: API, log-in pages, consent, deliveries of webhooks, and
 * its repositories over HTTP.
 */
export class GiteaStandIn extends StandInServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'gitea-stand-in-'));
  /** A bare repository with branch main and no commit; repositories are copies of it. */
  private readonly emptyRepository: string;
  readonly users = new Map<string, StandInUser>();
  readonly orgs = new Map<string, { teams: { id: number; name: string; members: Set<string>; units_map: object }[] }>();
  readonly repos = new Map<string, Repo>();
  readonly apps: App[] = [];
  installMode = true;
  /** Whether webhooks may call private addresses. */
  webhooksAllowed = true;
  /** The form of its first set-up, as it was sent. */
  installForm = new URLSearchParams();
  private readonly sessions = new Map<string, { login: string; csrf: string }>();
  private readonly codes = new Map<string, string>();
  private ids = 0;

  constructor(emptyRepository: string) {
    super();
    this.emptyRepository = emptyRepository;
  }

  override async stop(): Promise<void> {
    await super.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  addUser(login: string, password: string, more: Partial<StandInUser> = {}): void {
    this.ids += 1;
    const user = {
      id: this.ids,
      login,
      email: `${login}@example.org`,
      password,
      is_admin: false,
      twoFactor: false,
      tokens: [],
    };
    this.users.set(login, { ...user, ...more });
  }

  repo(path: string): Repo {
    const repo = this.repos.get(path);
    if (repo === undefined) throw new Error(`no repository ${path}`);
    return repo;
  }

  gitFolder(path: string): string {
    return join(this.folder, `${path}.git`);
  }

  protected override passThrough(request: IncomingMessage, response: ServerResponse): boolean {
    const url = new URL(request.url ?? '/', 'http://gitea');
    if (!/^\/[^/]+\/[^/]+\.git\//.test(url.pathname)) return false;
    if (this.basicUser(request) === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="Gitea"' }).end();
    else serveGit(this.folder, request, response);
    return true;
  }

  protected override answer(call: Call): Promise<boolean> | boolean {
    const { pathname } = call.url;
    if (this.installMode) return this.install(call);
    if (pathname.startsWith('/api/v1/')) return this.api(call, pathname.slice('/api/v1'.length));
    return this.web(call, pathname);
  }

  private install(call: Call): boolean {
    if (call.url.pathname !== '/') {
      call.response.writeHead(404).end('Not Found. <a href="/">Go to default page</a>.');
      return true;
    }
    if (call.method === 'POST') {
      this.installForm = call.form;
      const { admin_name, admin_passwd, admin_confirm_passwd, admin_email } = Object.fromEntries(call.form);
      if (
        admin_passwd !== admin_confirm_passwd ||
        !admin_name ||
        !admin_email ||
        call.form.get('repo_root_path') !== '/data/git & repos'
      ) {
        return sendHtml(
          call,
          `${installPage}<div class="ui negative message flash-message flash-error"><p>The form is &#34;wrong&#34;.</p></div>`,
        );
      }
      this.addUser(admin_name, admin_passwd ?? '', { email: admin_email, is_admin: true });
      this.installMode = false;
      return sendHtml(call, '<title>Installing now, please wait...</title>');
    }
    return sendHtml(call, installPage);
  }

  private basicUser(request: IncomingMessage): StandInUser | 'otp' | undefined {
    const [login = '', password = ''] = Buffer.from(
      (request.headers.authorization ?? '').replace(/^Basic /, ''),
      'base64',
    )
      .toString()
      .split(/:(.*)/s);
    const user = this.users.get(login);
    if (user === undefined) return undefined;
    if (user.tokens.some(({ token }) => token === password)) return user;
    if (user.password !== password) return undefined;
    return user.twoFactor ? 'otp' : user;
  }

  private api(call: Call, path: string): boolean {
    if (path === '/version') return sendJson(call, 200, { version: '1.25.5' });
    const caller = this.basicUser(call.request);
    // A real one says the same for a second factor.
    if (caller === undefined || caller === 'otp') {
      return sendJson(call, 401, { message: 'invalid username, password or token', url: `${this.url}/api/swagger` });
    }
    const json = call.body === '' ? {} : (JSON.parse(call.body) as Record<string, never>);
    const first = call.url.searchParams.get('page') === '1' || !call.url.searchParams.has('page');
    const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
    const [a, b, c, d, e] = parts;
    const key = `${call.method} ${[a, ...parts.slice(1).map(() => '*')].join('/')}`;
    if (key === 'GET user') return sendJson(call, 200, publicUser(caller));
    if (a === 'user' && b === 'applications') return this.applications(call, json, d);
    if (a === 'user' && b === 'repos' && call.method === 'POST') return this.makeRepo(call, caller.login, json);
    if (a === 'admin' && b === 'users') {
      if (!caller.is_admin) return sendJson(call, 403, { message: 'user should be the site admin' });
      if (call.method === 'GET') return sendJson(call, 200, first ? [...this.users.values()].map(publicUser) : []);
      this.addUser(json.username ?? '', json.password ?? '', { email: json.email ?? '' });
      return sendJson(call, 201, publicUser(this.users.get(json.username ?? '') as StandInUser));
    }
    if (a === 'users' && b !== undefined) return this.userApi(call, b, c, d, json);
    if (a === 'orgs') return this.orgApi(call, b, c, json);
    if (a === 'teams') {
      const team = [...this.orgs.values()].flatMap(({ teams }) => teams).find(({ id }) => id === Number(b));
      if (team === undefined || c !== 'members') return false;
      if (call.method === 'GET')
        return sendJson(
          call,
          200,
          first ? [...team.members].map((login) => publicUser(this.users.get(login) as StandInUser)) : [],
        );
      team.members.add(d ?? '');
      return sendJson(call, 204);
    }
    if (a === 'repos') return this.repoApi(call, `${b}/${c}`, parts.slice(3), json, e);
    return false;
  }

  private userApi(
    call: Call,
    login: string,
    section: string | undefined,
    id: string | undefined,
    json: Record<string, never>,
  ): boolean {
    const user = this.users.get(login);
    if (user === undefined) return sendJson(call, 404, { message: `user redirect does not exist [name: ${login}]` });
    if (section === undefined) return sendJson(call, 200, publicUser(user));
    if (section !== 'tokens') return false;
    if (call.method === 'GET') {
      const tokens = user.tokens.map(({ token, ...rest }) => ({
        ...rest,
        sha1: '',
        token_last_eight: token.slice(-8),
      }));
      return sendJson(call, 200, call.url.searchParams.get('page') === '1' ? tokens : []);
    }
    if (call.method === 'DELETE') {
      user.tokens = user.tokens.filter((token) => token.id !== Number(id));
      return sendJson(call, 204);
    }
    if (user.tokens.some(({ name }) => name === json.name))
      return sendJson(call, 400, { message: 'access token name has been used already' });
    this.ids += 1;
    const made = {
      id: this.ids,
      name: json.name ?? '',
      scopes: json.scopes ?? [],
      token: randomBytes(20).toString('hex'),
    };
    user.tokens.push(made);
    return sendJson(call, 201, {
      id: made.id,
      name: made.name,
      sha1: made.token,
      token_last_eight: made.token.slice(-8),
      scopes: made.scopes,
    });
  }

  private orgApi(
    call: Call,
    name: string | undefined,
    section: string | undefined,
    json: Record<string, never>,
  ): boolean {
    if (name === undefined) {
      this.orgs.set(json.username ?? '', {
        teams: [{ id: ++this.ids, name: 'Owners', members: new Set(), units_map: {} }],
      });
      return sendJson(call, 201, { id: ++this.ids, username: json.username });
    }
    const org = this.orgs.get(name);
    if (org === undefined) return sendJson(call, 404, { message: 'The target couldn’t be found.' });
    if (section === undefined) return sendJson(call, 200, { id: 1, username: name });
    if (section === 'repos') return this.makeRepo(call, name, json);
    if (section !== 'teams') return false;
    if (call.method === 'GET')
      return sendJson(
        call,
        200,
        org.teams.map(({ id, name: team }) => ({ id, name: team })),
      );
    const team = { id: ++this.ids, name: json.name ?? '', members: new Set<string>(), units_map: json.units_map ?? {} };
    org.teams.push(team);
    return sendJson(call, 201, { id: team.id, name: team.name });
  }

  private makeRepo(call: Call, owner: string, json: Record<string, never>): boolean {
    const path = `${owner}/${json.name}`;
    this.ids += 1;
    const repo: Repo = {
      id: this.ids,
      owner,
      name: json.name ?? '',
      private: json.private ?? false,
      default_branch: json.default_branch ?? '',
      collaborators: new Map(),
      protections: [],
      hooks: [],
    };
    this.repos.set(path, repo);
    cpSync(this.emptyRepository, this.gitFolder(path), { recursive: true });
    return sendJson(call, 201, this.shownRepo(path));
  }

  private shownRepo(path: string) {
    const { collaborators: _, protections: __, hooks: ___, ...repo } = this.repo(path);
    const heads = readdirSync(join(this.gitFolder(path), 'refs/heads'));
    return { ...repo, full_name: path, empty: heads.length === 0, clone_url: `${this.url}/${path}.git` };
  }

  private repoApi(
    call: Call,
    path: string,
    rest: string[],
    json: Record<string, never>,
    _section: string | undefined,
  ): boolean {
    const repo = this.repos.get(path);
    if (repo === undefined) return sendJson(call, 404, { message: 'The target couldn’t be found.' });
    const [section, id, action] = rest;
    const { method } = call;
    if (section === undefined) {
      if (method === 'PATCH') Object.assign(repo, json);
      return sendJson(call, 200, this.shownRepo(path));
    }
    if (section === 'branches' && method === 'GET') {
      const known = existsSync(join(this.gitFolder(path), 'refs/heads', id ?? ''));
      return known ? sendJson(call, 200, { name: id }) : sendJson(call, 404, { message: 'branch does not exist' });
    }
    if (section === 'collaborators' && id !== undefined) {
      if (method === 'GET') {
        const permission = repo.collaborators.get(id);
        if (permission === undefined) return sendJson(call, 200, { permission: 'none', role_name: 'none' });
        return sendJson(call, 200, { permission, role_name: permission });
      }
      repo.collaborators.set(id, json.permission ?? 'write');
      return sendJson(call, 204);
    }
    if (section === 'branch_protections') {
      if (method === 'GET') return sendJson(call, 200, repo.protections);
      if (method === 'POST') repo.protections.push({ ...json });
      else Object.assign(repo.protections.find((rule) => rule.rule_name === id) ?? {}, json);
      return sendJson(call, method === 'POST' ? 201 : 200, json);
    }
    if (section !== 'hooks') return false;
    if (method === 'GET') {
      const hooks = repo.hooks.map(({ deliveries: _, ...hook }) => ({ ...hook, type: 'gitea', events: ['push'] }));
      return sendJson(call, 200, call.url.searchParams.get('page') === '1' ? hooks : []);
    }
    const hook = repo.hooks.find((candidate) => candidate.id === Number(id));
    if (hook === undefined) return sendJson(call, 404, { message: 'no hook' });
    if (method === 'DELETE') {
      repo.hooks = repo.hooks.filter((candidate) => candidate !== hook);
      return sendJson(call, 204);
    }
    if (action !== 'tests') return false;
    void this.deliver(repo, hook, call.url.searchParams.get('ref') ?? '');
    return sendJson(call, 204);
  }

  /** Registers a webhook, as Woodpecker does by its own access. */
  addHook(path: string, url: string): void {
    this.ids += 1;
    this.repo(path).hooks.push({ id: this.ids, active: true, config: { url }, deliveries: [] });
  }

  private async deliver(repo: Repo, hook: Hook, ref: string): Promise<void> {
    const delivery = { uuid: randomUUID(), status: -1 };
    hook.deliveries.unshift(delivery);
    if (!this.webhooksAllowed) {
      delivery.status = 0;
      return;
    }
    const body = JSON.stringify({ ref, repository: { full_name: `${repo.owner}/${repo.name}` } });
    delivery.status = await fetch(hook.config.url, { method: 'POST', body, headers: { 'x-gitea-event': 'push' } }).then(
      (answer) => answer.status,
      () => 0,
    );
  }

  private applications(call: Call, json: Record<string, never>, id: string | undefined): boolean {
    const shown = (app: App, secret = ''): object => {
      const { secretHash: _, granted: __, ...rest } = app;
      return { ...rest, client_secret: secret, skip_secondary_authorization: true };
    };
    if (call.method === 'GET')
      return sendJson(call, 200, call.url.searchParams.get('page') === '1' ? this.apps.map((app) => shown(app)) : []);
    const secret = `gto_${randomBytes(16).toString('hex')}`;
    let app = this.apps.find((candidate) => candidate.id === Number(id));
    if (call.method === 'POST') {
      this.ids += 1;
      app = {
        id: this.ids,
        name: '',
        client_id: randomUUID(),
        secretHash: '',
        redirect_uris: [],
        confidential_client: false,
        granted: false,
      };
      this.apps.push(app);
    }
    if (app === undefined) return sendJson(call, 404, { message: 'no app' });
    // Every change makes a new secret, shown this once.
    Object.assign(app, {
      name: json.name,
      redirect_uris: json.redirect_uris,
      confidential_client: json.confidential_client,
      secretHash: hash(secret),
    });
    return sendJson(call, call.method === 'POST' ? 201 : 200, shown(app, secret));
  }

  private web(call: Call, path: string): boolean {
    const session = this.sessions.get(call.cookies.get('i_like_gitea') ?? '');
    if (path === '/') return sendHtml(call, '<title>Gitea</title>');
    if (path === '/user/login') return this.login(call, session);
    if (path === '/login/oauth/access_token') return this.accessToken(call);
    if (path === '/login/oauth/authorize' || path === '/login/oauth/grant') return this.authorize(call, session);
    const page = /^\/([^/]+\/[^/]+)\/settings\/hooks\/(\d+)$/.exec(path);
    if (page !== null && session !== undefined) {
      const hook = this.repo(page[1] ?? '').hooks.find(({ id }) => id === Number(page[2]));
      return sendHtml(call, deliveriesPage(hook?.deliveries ?? []));
    }
    return false;
  }

  private login(call: Call, known: { login: string; csrf: string } | undefined): boolean {
    if (call.method === 'GET') {
      const id = randomUUID();
      const csrf = randomUUID();
      this.sessions.set(id, { login: '', csrf });
      return sendHtml(call, `<form><input type="hidden" name="_csrf" value="${csrf}"></form>`, {
        'set-cookie': `i_like_gitea=${id}; Path=/; HttpOnly`,
      });
    }
    if (known === undefined || call.form.get('_csrf') !== known.csrf) {
      call.response.writeHead(400).end('Invalid CSRF token.');
      return true;
    }
    const user = this.users.get(call.form.get('user_name') ?? '');
    if (user === undefined || user.password !== call.form.get('password'))
      return sendHtml(call, 'Username or password is incorrect.');
    if (user.twoFactor) return redirect(call, '/user/two_factor');
    known.login = user.login;
    return redirect(call, '/');
  }

  private authorize(call: Call, session: { login: string; csrf: string } | undefined): boolean {
    if (session === undefined || session.login === '') return redirect(call, '/user/login');
    const values = call.method === 'POST' ? call.form : call.url.searchParams;
    const app = this.apps.find(({ client_id }) => client_id === values.get('client_id'));
    const to = values.get('redirect_uri') ?? '';
    if (app === undefined || !app.redirect_uris.includes(to)) {
      call.response.writeHead(400).end('Unregistered Redirect URI');
      return true;
    }
    if (call.method === 'POST') {
      if (values.get('_csrf') !== session.csrf || values.get('granted') !== 'true') return false;
      app.granted = true;
    }
    if (!app.granted)
      return sendHtml(
        call,
        `<form action="/login/oauth/grant"><input type="hidden" name="_csrf" value="${session.csrf}"></form>`,
      );
    const code = randomUUID();
    this.codes.set(code, session.login);
    return redirect(call, `${to}?code=${code}&state=${encodeURIComponent(values.get('state') ?? '')}`);
  }

  private accessToken(call: Call): boolean {
    const app = this.apps.find(({ client_id }) => client_id === call.form.get('client_id'));
    const refuse = (error: string, error_description: string): boolean =>
      sendJson(call, 400, { error, error_description });
    if (app === undefined)
      return refuse('invalid_client', `cannot load client with client id: '${call.form.get('client_id')}'`);
    if (app.secretHash !== hash(call.form.get('client_secret') ?? ''))
      return refuse('unauthorized_client', 'invalid client secret');
    const login = this.codes.get(call.form.get('code') ?? '');
    if (login === undefined) return refuse('unauthorized_client', 'client is not authorized');
    return sendJson(call, 200, { access_token: `token-of-${login}`, token_type: 'bearer', expires_in: 3600 });
  }
}

function publicUser(user: StandInUser): object {
  return { id: user.id, login: user.login, email: user.email, is_admin: user.is_admin };
}

/** The inputs of the real form that matter; the page itself is long. */
const installPage = `<form class="ui form" action="/" method="post">
  <input type="hidden" id="db_type" name="db_type" value="mysql">
  <input id="db_host" name="db_host" value="127.0.0.1:3306">
  <input id="db_passwd" name="db_passwd" type="password" value="">
  <input id="db_path" name="db_path" value="/data/gitea/gitea.db">
  <input id="app_name" name="app_name" value="Gitea: Git with a cup of tea" required>
  <input id="repo_root_path" name="repo_root_path" value="/data/git &amp; repos" required>
  <input id="run_user" name="run_user" value="git" readonly>
  <input id="domain" name="domain" value="localhost" required>
  <input id="ssh_port" name="ssh_port" value="22">
  <input id="http_port" name="http_port" value="3000" required>
  <input id="app_url" name="app_url" value="http://localhost:3000/" required>
  <input id="log_root_path" name="log_root_path" value="/data/log" required>
  <input name="enable_update_checker" type="checkbox">
  <input name="offline_mode" type="checkbox" checked>
  <input name="disable_registration" type="checkbox" >
  <input id="admin_name" name="admin_name" value="">
</form>`;

const refused =
  'Delivery: Post &#34;http://10.0.0.1/api/hook?access_token=gto_hidden&#34;: dial tcp 10.0.0.1:80: webhook can only call allowed HTTP servers';

/** As the page of a webhook shows them: one that is under way looks like a failed one without an answer. */
function deliveriesPage(deliveries: readonly { uuid: string; status: number }[]): string {
  const items = deliveries.map(({ uuid, status }, n) => {
    const icon = status >= 200 && status < 300 ? 'octicon-check' : 'octicon-alert';
    const colour = icon === 'octicon-check' ? 'green' : 'red';
    const label =
      status === -1 ? '<span class="ui label">-</span>' : `<span class="ui ${colour} label">${status}</span>`;
    return `<div class="item"><div class="flex-text-block"><div class="flex-text-inline">
      <span class="text"><svg viewBox="0 0 16 16" class="svg ${icon}"></svg></span>
      <button class="btn interact-bg tw-p-2 toggle show-panel" data-panel="#info-${n}">${uuid}</button></div></div>
      <div class="info tw-hidden" id="info-${n}"><a class="item" data-tab="response-${n}">Response ${label}</a>${status === 0 ? `<pre>${refused}</pre>` : ''}</div></div>`;
  });
  return `<div class="ui attached segment"><div class="ui list">${items.join('')}</div></div>`;
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { BuildView, DeskConfiguration, DeskState, GateAnswer } from '../api/types.ts';
import { DeskClient, DeskError, loginAddress } from '../client/desk-client.ts';
import { theme } from '../client/theme.ts';
import { ago } from '../client/words.ts';
import { askPromotion } from '../dialog/promotion-dialog.ts';
import './audit-view.ts';
import './build-table.ts';
import './history-view.ts';
import './stage-card.ts';

type View = 'stages' | 'history' | 'audit';

const views: readonly { readonly view: View; readonly path: string; readonly title: string }[] = [
  { view: 'stages', path: '/desk/', title: 'Stages' },
  { view: 'history', path: '/desk/history', title: 'History' },
  { view: 'audit', path: '/desk/audit', title: 'Audit' },
];

/** Time between two looks at Kargo, in milliseconds; R21.2 asks for 60 seconds. */
const period = 3000;
/** Time between two looks at the objects of the gate, in milliseconds. */
const gatePeriod = 15_000;

/** The whole page: follows Kargo, switches views, opens the dialog. */
export class PromotionDesk extends LitElement {
  static override properties = {
    view: { state: true },
    configuration: { state: true },
    state: { state: true },
    problem: { state: true },
    notice: { state: true },
    tick: { state: true },
    seenAt: { state: true },
    gate: { state: true },
  };

  declare view: View;
  declare configuration: DeskConfiguration | undefined;
  declare state: DeskState | undefined;
  declare problem: DeskError | undefined;
  declare notice: string | undefined;
  declare tick: number;
  /** When Kargo last answered. */
  declare seenAt: Date | undefined;
  /** What the recorder saw of the gate's objects; undefined while that is not known. */
  declare gate: GateAnswer | undefined;

  private readonly client = new DeskClient(window.fetch.bind(window));
  private timers: ReturnType<typeof setInterval>[] = [];
  private looking = false;

  static override styles = [
    theme,
    css`
      :host {
        display: block;
        min-height: 100dvh;
        background: var(--ground);
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1.4rem;
        padding: 0.7rem clamp(0.8rem, 3vw, 2rem);
        border-bottom: 1px solid var(--line);
        background: var(--card);
      }
      h1 {
        margin: 0;
        font-size: 1.15rem;
      }
      h1 span {
        font-weight: 400;
        color: var(--quiet);
      }
      nav {
        display: flex;
        gap: 0.3rem;
      }
      nav a {
        padding: 0.4rem 0.75rem;
        border-radius: 7px;
        color: var(--text);
        text-decoration: none;
      }
      nav a[aria-current] {
        background: var(--accent);
        color: var(--on-accent);
        font-weight: 600;
      }
      .who {
        margin-left: auto;
        text-align: right;
        font-size: 0.88rem;
      }
      main {
        display: grid;
        gap: 1.2rem;
        padding: 1.2rem clamp(0.8rem, 3vw, 2rem) 3rem;
        max-width: 110rem;
        margin: 0 auto;
      }
      .cards {
        display: grid;
        gap: 1rem;
        grid-template-columns: repeat(auto-fit, minmax(min(16.5rem, 100%), 1fr));
      }
      .login {
        max-width: 30rem;
        margin: 4rem auto;
        text-align: center;
      }
      .login a {
        display: inline-block;
        padding: 0.55rem 1.2rem;
        border-radius: 8px;
        background: var(--accent);
        color: var(--on-accent);
        font-weight: 600;
        text-decoration: none;
      }
      h2 {
        margin: 0.6rem 0 0;
        font-size: 1.05rem;
      }
      .notice {
        display: flex;
        align-items: center;
        gap: 1rem;
        justify-content: space-between;
      }
    `,
  ];

  constructor() {
    super();
    this.view = viewOf(location.pathname);
    this.configuration = undefined;
    this.state = undefined;
    this.problem = undefined;
    this.notice = undefined;
    this.seenAt = undefined;
    this.gate = undefined;
    this.tick = 0;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('popstate', this.onPopState);
    document.addEventListener('visibilitychange', this.onVisible);
    window.addEventListener('storage', this.onVisible);
    this.timers = [
      setInterval(() => {
        this.tick += 1;
      }, 1000),
      setInterval(() => {
        if (!document.hidden) void this.look();
      }, period),
      setInterval(() => {
        if (!document.hidden) void this.lookAtGate();
      }, gatePeriod),
    ];
    void this.look().then(() => this.lookAtGate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('popstate', this.onPopState);
    document.removeEventListener('visibilitychange', this.onVisible);
    window.removeEventListener('storage', this.onVisible);
    for (const timer of this.timers) clearInterval(timer);
  }

  private readonly onPopState = () => {
    this.view = viewOf(location.pathname);
  };

  private readonly onVisible = () => {
    if (!document.hidden) void this.look();
  };

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      this.configuration ??= await this.client.configuration();
      this.state = await this.client.state();
      this.seenAt = this.client.now();
      // Somebody logged in anew, perhaps as somebody else.
      if (this.problem?.status === 401) this.configuration = await this.client.configuration();
      this.problem = undefined;
    } catch (error) {
      this.problem = error instanceof DeskError ? error : new DeskError(0, 'Something failed in this page.');
      if (this.problem.status === 401) this.configuration = undefined;
    } finally {
      this.looking = false;
    }
  }

  /** Only what is known to be amiss is shown: without the recorder nothing is known. */
  private async lookAtGate(): Promise<void> {
    if (!this.configuration?.recorder) return;
    this.gate = await this.client.gate().catch(() => undefined);
  }

  protected override render(): TemplateResult {
    const { configuration } = this;
    return html`
      <header>
        <h1>Promotion desk ${configuration ? html`<span>${configuration.project}</span>` : nothing}</h1>
        <nav aria-label="Views">
          ${views.map(
            ({ view, path, title }) =>
              html`<a href=${path} aria-current=${this.view === view ? 'page' : nothing} @click=${this.follow}>${title}</a>`,
          )}
          <a href="/">Kargo</a>
        </nav>
        ${
          configuration
            ? html`<div class="who">
                <div>${configuration.actor}</div>
                <div class="quiet">${this.clockText()}</div>
              </div>`
            : nothing
        }
      </header>
      <main>${this.problemView()} ${this.gateView()} ${this.noticeView()} ${this.body()}</main>
    `;
  }

  private body(): TemplateResult | typeof nothing {
    const { configuration, state } = this;
    if (this.problem?.status === 401) return nothing;
    if (!configuration || !state) return this.problem ? nothing : html`<p role="status">Asking Kargo…</p>`;
    if (this.view === 'history') {
      return html`<history-view .client=${this.client} .configuration=${configuration}></history-view>`;
    }
    if (this.view === 'audit')
      return html`<audit-view .client=${this.client} .recorder=${configuration.recorder}></audit-view>`;
    const now = this.client.now();
    return html`
      <section class="cards" aria-label="Stages">
        ${state.stages.map(
          (stage) => html`<stage-card
            .stage=${stage}
            .freight=${state.freight}
            .configuration=${configuration}
            .now=${now}
            @promote=${this.onPromote}
            @navigate=${this.onNavigate}
          ></stage-card>`,
        )}
      </section>
      <h2 id="builds">Builds</h2>
      <build-table .state=${state} .configuration=${configuration} .now=${now} @promote=${this.onPromote}></build-table>
    `;
  }

  private problemView(): TemplateResult | typeof nothing {
    const { problem } = this;
    if (!problem) return nothing;
    if (problem.status === 401) {
      return html`<section class="login" role="alert">
        <h2>Log in to Kargo</h2>
        <p>${this.state ? 'Your session has ended. Nothing was lost.' : 'The desk acts with your own Kargo session and has no log-in of its own.'}</p>
        <a href=${loginAddress(location.pathname)}>Log in with Kargo</a>
      </section>`;
    }
    const age = this.seenAt ? ` This is what it said ${ago(this.seenAt.toISOString(), this.client.now())}.` : '';
    const forbidden = problem.status === 403;
    return html`<div class="banner ${forbidden ? 'warn' : 'bad'}" role="alert" id="problem">
      <strong>${forbidden ? 'Kargo does not let you see this project' : 'No connection'}</strong>
      ${problem.message}${forbidden ? '' : `${age} The desk tries again every few seconds. The gate holds all the same.`}
    </div>`;
  }

  private gateView(): TemplateResult | typeof nothing {
    const removed = this.gate?.removed ?? [];
    if (removed.length === 0 || this.problem?.status === 401) return nothing;
    return html`<div class="banner bad" role="alert" id="gate">
      <strong>The gate is not in force</strong>
      ${removed.map((one) => html`<div>${one.kind} <span class="mono">${one.name}</span> was removed ${ago(one.at, this.client.now())}.</div>`)}
      Promotions may pass unchecked until Argo CD has put it back. The removal stands in the audit log.
    </div>`;
  }

  private noticeView(): TemplateResult | typeof nothing {
    return this.notice === undefined
      ? nothing
      : html`<div class="banner good notice" role="status" id="notice">
          <span>${this.notice}</span>
          <button
            type="button"
            aria-label="Dismiss the message"
            @click=${() => {
              this.notice = undefined;
            }}
          >
            ✕
          </button>
        </div>`;
  }

  private clockText(): string {
    const zone = this.configuration?.stages.find((stage) => stage.gate?.window)?.gate?.window?.timeZone;
    // American English alone has the short names of American zones.
    return new Intl.DateTimeFormat('en-US', {
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZone: zone,
      timeZoneName: 'short',
      hourCycle: 'h23',
    }).format(this.client.now());
  }

  private readonly follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.go((event.currentTarget as HTMLAnchorElement).getAttribute('href') ?? '/desk/');
  };

  private readonly onNavigate = (event: CustomEvent<string>) => this.go(event.detail);

  private go(address: string): void {
    history.pushState(null, '', address);
    this.view = viewOf(location.pathname);
  }

  private readonly onPromote = async (event: CustomEvent<{ stage: string; build: BuildView }>) => {
    const { configuration, client } = this;
    const stage = configuration?.stages.find((one) => one.name === event.detail.stage);
    if (!configuration || !stage) return;
    const outcome = await askPromotion({
      stage,
      build: event.detail.build,
      configuration,
      now: () => client.now(),
      queue: (name) => client.queue(name),
      promote: (request) => client.promote(request),
    });
    if (outcome.kind === 'created') {
      const { promotion, aborted } = outcome.answer;
      this.notice = `Promotion ${promotion} to ${stage.name} was created.${aborted.length > 0 ? ` Aborted: ${aborted.join(', ')}.` : ''}`;
    }
    void this.look();
  };
}

function viewOf(path: string): View {
  return views.find((one) => one.path === path)?.view ?? 'stages';
}

customElements.define('promotion-desk', PromotionDesk);

import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { BuildView, DeskConfiguration, FreightView, StageView } from '../api/types.ts';
import { gateView } from '../client/gate-view.ts';
import { theme } from '../client/theme.ts';
import { ago, commitAddress, lasting, localTime, shortTag } from '../client/words.ts';
import { denialInWords } from '../kargo/denial.ts';

const healthClass: Readonly<Record<string, string>> = {
  Healthy: 'good',
  Degraded: 'bad',
  Unhealthy: 'bad',
  Missing: 'bad',
  Progressing: 'warn',
};
const gateClass = { free: 'good', open: 'good', blocked: 'bad', disabled: '' } as const;
const gateMark = { free: '✓', open: '✓', blocked: '✕', disabled: '–' } as const;

/** One stage: what runs there, how it is, what its gate says, and the way to promote to it. */
export class StageCard extends LitElement {
  static override properties = {
    stage: { attribute: false },
    freight: { attribute: false },
    configuration: { attribute: false },
    now: { attribute: false },
    chosen: { state: true },
  };

  declare stage: StageView;
  declare freight: readonly FreightView[];
  declare configuration: DeskConfiguration;
  declare now: Date;
  /** Name of the Freight that was picked. */
  declare chosen: string | undefined;

  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        min-width: 0;
      }
      .chip {
        white-space: normal;
      }
      article {
        display: grid;
        min-width: 0;
        grid-template-rows: auto auto auto 1fr auto;
        gap: 0.75rem;
        padding: 1rem 1.1rem 1.1rem;
        border: 1px solid var(--line);
        border-top: 5px solid var(--good);
        border-radius: 12px;
        background: var(--card);
        box-shadow: var(--shadow);
      }
      article.blocked {
        border-top-color: var(--bad-solid);
      }
      article.disabled {
        border-top-color: var(--off);
      }
      .top {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.4rem 0.6rem;
      }
      h3 {
        margin: 0;
        margin-right: auto;
        font-size: 1.15rem;
      }
      .tag {
        font-size: 1.15rem;
        font-weight: 600;
      }
      .gate {
        display: grid;
        gap: 0.15rem;
      }
      .gate .line {
        font-size: 0.9rem;
      }
      .ticking {
        font-variant-numeric: tabular-nums;
      }
      p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      .small {
        font-size: 0.88rem;
      }
      .message {
        color: var(--bad);
      }
      .act {
        display: grid;
        gap: 0.5rem;
        align-content: end;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
      .row select {
        min-width: min(10.5rem, 100%);
        flex: 1;
      }
    `,
  ];

  constructor() {
    super();
    this.chosen = undefined;
  }

  protected override render(): TemplateResult {
    const { stage, configuration, now } = this;
    const gate = gateView(configuration.stages, stage.name, now);
    return html`<article class=${gate.state} aria-labelledby="name">
      <div class="top">
        <h3 id="name">${stage.name}</h3>
        ${stage.health ? html`<span class="chip ${healthClass[stage.health.status] ?? ''}" title=${stage.health.issues.join('\n')}>${stage.health.status}</span>` : nothing}
        ${this.activityChip()}
      </div>
      <div>${this.currentView()}</div>
      <div class="gate" aria-label="Gate">
        <div>
          <span class="chip ${gateClass[gate.state]}"><span aria-hidden="true">${gateMark[gate.state]}</span>${gate.title}</span>
          ${gate.ticking ? html`<strong class="ticking">${gate.ticking}</strong>` : nothing}
        </div>
        <div class="line quiet">${gate.reason}</div>
        ${gate.changesAt ? html`<div class="line quiet">Next change: ${gate.changesAt}</div>` : nothing}
        ${gate.needs.length > 0 ? html`<div class="line">Needs ${gate.needs.join(', ')}</div>` : nothing}
        ${gate.waived ? html`<div><span class="chip warn">${gate.waived}</span></div>` : nothing}
      </div>
      <div>${this.promotionsView()}</div>
      <div class="act">${this.promoteView(gate.state === 'disabled')}${this.historyLink()}</div>
    </article>`;
  }

  private activityChip(): TemplateResult | typeof nothing {
    const { state, message } = this.stage.activity;
    if (state === 'ready' || (state === 'unknown' && !message)) return nothing;
    const look = state === 'failed' ? 'bad' : state === 'promoting' || state === 'verifying' ? 'warn' : '';
    return html`<span class="chip ${look}" title=${message ?? nothing}>${state}</span>`;
  }

  private currentView(): TemplateResult {
    const { current } = this.stage;
    if (!current) return html`<p class="quiet">Nothing was promoted here yet.</p>`;
    return html`
      <p class="tag">${this.tagLink(current)}</p>
      <p class="small quiet">
        ${current.alias ?? ''}${current.alias ? ' · ' : ''}<span title=${localTime(current.since)}>${lasting(current.since, this.now)}</span>
        · ${current.verified ? 'verified' : 'not verified'}
      </p>
    `;
  }

  private promotionsView(): TemplateResult {
    const { running, last, hold, activity } = this.stage;
    const failed = last && last.result !== 'Succeeded';
    return html`
      ${running ? html`<p class="small"><span class="quiet">Next in line</span> ${this.nextView(running)}</p>` : nothing}
      ${
        last
          ? html`<p class="small">
              <span class="quiet">Last promotion</span>
              <span class="chip ${last.result === 'Succeeded' ? 'good' : 'bad'}">${last.result}</span>
              <span class="quiet" title=${localTime(last.finishedAt)}>${ago(last.finishedAt, this.now)}</span>
            </p>`
          : nothing
      }
      ${failed && last.message ? html`<p class="small message">${last.message}</p>` : nothing}
      ${activity.state === 'reconciling' && activity.message ? html`<p class="small message">${denialInWords(activity.message)}</p>` : nothing}
      ${hold ? html`<p class="small">${hold}</p>` : nothing}
    `;
  }

  /** Kargo may not say yet which build it is. */
  private nextView(running: NonNullable<StageView['running']>): TemplateResult {
    const address = `/desk/history?id=${encodeURIComponent(running.promotion)}`;
    return running.tag === '' ? html`<a class="mono" href=${address}>${running.promotion}</a>` : this.tagLink(running);
  }

  private promoteView(disabled: boolean): TemplateResult {
    const eligible = this.freight.filter((one) => one.stages[this.stage.name]?.state === 'eligible');
    const picked = eligible.find((one) => one.freight === this.chosen) ?? eligible[0];
    if (disabled) return html`<p class="small quiet">Switched off in the settings.</p>`;
    if (!picked) return html`<p class="small quiet">No build is eligible now.</p>`;
    return html`
      <label class="small quiet" for="build">Build to promote (${eligible.length} eligible)</label>
      <div class="row">
        <select
          id="build"
          @change=${(event: Event) => {
            this.chosen = (event.target as HTMLSelectElement).value;
          }}
        >
          ${eligible.map(
            (one) =>
              html`<option value=${one.freight} ?selected=${one === picked}>${shortTag(one.tag)}${one.alias ? ` – ${one.alias}` : ''}</option>`,
          )}
        </select>
        <button
          type="button"
          class="primary"
          aria-label="Promote ${shortTag(picked.tag)} to ${this.stage.name}"
          @click=${() => this.promote(picked)}
        >
          Promote…
        </button>
      </div>
    `;
  }

  private historyLink(): TemplateResult {
    const address = `/desk/history?stage=${encodeURIComponent(this.stage.name)}`;
    return html`<a
      class="small"
      href=${address}
      @click=${(event: MouseEvent) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        this.dispatchEvent(new CustomEvent('navigate', { detail: address }));
      }}
      >History of ${this.stage.name}</a
    >`;
  }

  private tagLink(build: BuildView): TemplateResult {
    const address = commitAddress(this.configuration.commitUrl, build.tag);
    const text = html`<span class="mono" title=${build.tag}>${shortTag(build.tag) || 'no tag'}</span>`;
    return address
      ? html`<a href=${address} target="_blank" rel="noopener noreferrer" aria-label="Commit ${build.tag}">${text}</a>`
      : text;
  }

  private promote(build: BuildView): void {
    this.dispatchEvent(
      new CustomEvent('promote', {
        detail: { stage: this.stage.name, build: { freight: build.freight, alias: build.alias, tag: build.tag } },
      }),
    );
  }
}

customElements.define('stage-card', StageCard);

import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { justificationRule, normaliseText, noteRule } from '../../../model/gate/text.ts';
import type { Stage } from '../../../model/stage-chain.ts';
import type { BuildView, DeskConfiguration, PromotionAnswer, PromotionRequest, QueuedPromotion } from '../api/types.ts';
import { DeskError } from '../client/desk-client.ts';
import { breakGlassAccess, gateView, refusals, sourceOf } from '../client/gate-view.ts';
import { theme } from '../client/theme.ts';
import { commitAddress, localTime, shortTag } from '../client/words.ts';

/** What the dialog asks for: one build, one stage. */
export interface PromotionQuestion {
  readonly stage: Stage;
  readonly build: BuildView;
  readonly configuration: DeskConfiguration;
  /** Now, by the server's clock. */
  readonly now: () => Date;
  readonly queue: (stage: string) => Promise<readonly QueuedPromotion[]>;
  readonly promote: (request: PromotionRequest) => Promise<PromotionAnswer>;
  /** Always the light colours: for the stock dashboard, which has no dark ones. */
  readonly light?: boolean;
}

export type PromotionOutcome =
  | { readonly kind: 'created'; readonly answer: PromotionAnswer }
  | { readonly kind: 'cancelled'; readonly refusal?: string };

type Step = 'ask' | 'break-glass';

/** Asks one promotion of one person, and makes it. */
export class PromotionDialog extends LitElement {
  static override properties = {
    step: { state: true },
    note: { state: true },
    justification: { state: true },
    typedName: { state: true },
    queued: { state: true },
    queueProblem: { state: true },
    spared: { state: true },
    busy: { state: true },
    refusal: { state: true },
    done: { state: true },
    tick: { state: true },
  };

  declare step: Step;
  declare note: string;
  declare justification: string;
  declare typedName: string;
  /** Undefined until it is known. */
  declare queued: readonly QueuedPromotion[] | undefined;
  declare queueProblem: string | undefined;
  /** Promotions ahead that are not to be aborted. */
  declare spared: ReadonlySet<string>;
  declare busy: boolean;
  declare refusal: string | undefined;
  /** The promotion exists, but something about it has to be read first. */
  declare done: PromotionAnswer | undefined;
  declare tick: number;

  private readonly question: PromotionQuestion;
  private readonly settle: (outcome: PromotionOutcome) => void;
  private timer: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    theme,
    css`
      dialog {
        width: min(40rem, calc(100vw - 1.5rem));
        max-height: calc(100dvh - 1.5rem);
        padding: 0;
        border: 1px solid var(--line);
        border-radius: 12px;
        background: var(--card);
        color: var(--text);
        box-shadow: 0 20px 60px rgb(0 0 0 / 35%);
        overflow: auto;
      }
      dialog::backdrop {
        background: rgb(10 15 20 / 55%);
      }
      dialog.emergency {
        border-top: 6px solid var(--bad-solid);
      }
      form {
        display: grid;
        gap: 0.9rem;
        padding: 1.1rem 1.25rem 1.25rem;
      }
      h2 {
        margin: 0;
        font-size: 1.25rem;
        line-height: 1.25;
      }
      h3 {
        margin: 0 0 0.35rem;
        font-size: 0.95rem;
      }
      dl {
        display: grid;
        grid-template-columns: max-content 1fr;
        gap: 0.2rem 0.9rem;
        margin: 0;
      }
      dt {
        color: var(--quiet);
      }
      dd {
        margin: 0;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      label {
        display: block;
        font-weight: 600;
        margin-bottom: 0.25rem;
      }
      textarea {
        min-height: 4.2rem;
        resize: vertical;
      }
      .hint {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
        margin-top: 0.2rem;
        font-size: 0.86rem;
        color: var(--quiet);
      }
      .hint .short {
        color: var(--bad);
        font-weight: 600;
      }
      .box {
        padding: 0.7rem 0.85rem;
        border: 1px solid var(--line);
        border-radius: 8px;
      }
      .queue {
        display: grid;
        gap: 0.4rem;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .queue label {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 0.55rem;
        margin: 0;
        font-weight: 400;
      }
      .queue input {
        width: 1.1rem;
        height: 1.1rem;
        margin-top: 0.15rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        gap: 0.6rem;
      }
      .actions .first {
        margin-right: auto;
      }
      .missing {
        margin: 0;
        padding-left: 1.1rem;
        color: var(--quiet);
        font-size: 0.9rem;
      }
      p {
        margin: 0;
      }
      .ticking {
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  constructor(question: PromotionQuestion, settle: (outcome: PromotionOutcome) => void) {
    super();
    this.question = question;
    this.settle = settle;
    this.step = 'ask';
    this.note = '';
    this.justification = '';
    this.typedName = '';
    this.queued = undefined;
    this.queueProblem = undefined;
    this.spared = new Set();
    this.busy = false;
    this.refusal = undefined;
    this.done = undefined;
    this.tick = 0;
    if (question.light) this.setAttribute('light', '');
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = setInterval(() => {
      this.tick += 1;
    }, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  protected override firstUpdated(): void {
    this.dialog.showModal();
    void this.readQueue();
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('step') && changed.get('step') !== undefined) {
      this.renderRoot.querySelector<HTMLElement>(this.step === 'ask' ? '#note' : '#justification')?.focus();
    }
    if (changed.has('done') && this.done) this.renderRoot.querySelector<HTMLElement>('#close')?.focus();
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector('dialog')!;
  }

  private async readQueue(): Promise<void> {
    try {
      this.queued = await this.question.queue(this.question.stage.name);
      this.spared = new Set(this.queued.filter((one) => one.phase === 'Running').map((one) => one.promotion));
    } catch (error) {
      this.queueProblem = wordsOf(error);
    }
  }

  protected override render(): TemplateResult {
    const emergency = this.step === 'break-glass';
    return html`
      <dialog
        class=${emergency ? 'emergency' : ''}
        aria-labelledby="title"
        @cancel=${(event: Event) => {
          event.preventDefault();
          if (!this.busy) this.close();
        }}
      >
        <form method="dialog" autocomplete="off" @submit=${(event: Event) => event.preventDefault()}>
          ${this.done ? this.doneView(this.done) : emergency ? this.emergencyView() : this.askView()}
        </form>
      </dialog>
    `;
  }

  private askView(): TemplateResult {
    const { stage, configuration, now } = this.question;
    const gate = gateView(configuration.stages, stage.name, now());
    const blocked = gate.state === 'blocked';
    const noteNeeded = stage.gate?.note === 'required';
    const missing = this.refusals(undefined).filter((one) => one.rule !== 'blocked');
    const access = breakGlassAccess(stage, configuration.actor);
    return html`
      <h2 id="title">Promote to ${stage.name}</h2>
      ${this.summary()}
      <div class="banner ${blocked ? 'bad' : gate.state === 'disabled' ? 'warn' : 'good'}" id="gate">
        <strong>${gate.title}${gate.ticking ? html`<span class="ticking" aria-hidden="true"> – ${gate.ticking}</span>` : nothing}</strong>
        ${gate.reason}${gate.changesAt ? html`, ${blocked ? 'opens' : 'closes'} ${gate.changesAt}` : nothing}
        ${gate.waived ? html`<br /><em>${gate.waived}</em>` : nothing}
        <span class="visually-hidden" role="status">${gate.title}, ${gate.countdown ?? ''}</span>
      </div>
      ${this.noteField(noteNeeded)} ${this.refusalView()}
      ${blocked && !access.allowed ? html`<p class="banner" id="no-break-glass">${access.reason}</p>` : nothing}
      ${missing.length > 0 ? html`<ul class="missing" aria-live="polite" id="missing">${missing.map((one) => html`<li>${one.message}</li>`)}</ul>` : nothing}
      <div class="actions">
        <button type="button" class="first" ?disabled=${this.busy} @click=${() => this.close()}>Cancel</button>
        ${
          blocked
            ? html`<button
                type="button"
                class="danger-quiet"
                ?disabled=${!access.allowed || this.busy}
                @click=${() => {
                  this.refusal = undefined;
                  this.step = 'break-glass';
                }}
              >
                Break glass…
              </button>`
            : nothing
        }
        <button
          type="button"
          class="primary"
          id="promote"
          ?disabled=${blocked || missing.length > 0 || this.busy}
          @click=${() => void this.submit(false)}
        >
          ${this.busy ? 'Promoting…' : `Promote to ${stage.name}`}
        </button>
      </div>
    `;
  }

  private emergencyView(): TemplateResult {
    const { stage, configuration, build, now } = this.question;
    const gate = gateView(configuration.stages, stage.name, now());
    const minimum = stage.gate?.breakGlass?.minimumJustification ?? 0;
    const rule = justificationRule(minimum);
    const length = [...normaliseText(this.justification)].length;
    const named = this.typedName.trim() === stage.name;
    const missing = [
      ...this.refusals(this.justification).map((one) => one.message),
      ...(named ? [] : [`Type the stage's name, ${stage.name}, to confirm.`]),
      ...(this.queued === undefined && this.queueProblem === undefined ? ['Looking what is queued ahead…'] : []),
    ];
    return html`
      <h2 id="title">Break glass: promote to ${stage.name} now</h2>
      <div class="banner bad">
        <strong>${gate.state === 'blocked' ? html`Blocked<span class="ticking" aria-hidden="true"> – ${gate.ticking}</span>` : 'The window is open now'}</strong>
        ${
          gate.state === 'blocked'
            ? html`${gate.reason}. Break-glass lets this one promotion pass, and nothing after it.`
            : 'Break-glass is not needed any more: go back and promote in the ordinary way.'
        }
        It has to start within ${stage.gate?.breakGlass?.startWithinMinutes ?? 0} minutes.
      </div>
      <div>
        <label for="justification">Justification (required)</label>
        <textarea
          id="justification"
          maxlength=${rule.maximum}
          required
          aria-describedby="justification-count"
          .value=${this.justification}
          @input=${(event: InputEvent) => {
            this.justification = (event.target as HTMLTextAreaElement).value;
          }}
        ></textarea>
        <div class="hint">
          <span>What is broken, and why it cannot wait for the window.</span>
          <span id="justification-count" class=${length < minimum ? 'short' : ''}>${length} of at least ${minimum} characters</span>
        </div>
      </div>
      ${this.noteField(stage.gate?.note === 'required')}
      <div class="box">
        <h3>What will be recorded</h3>
        <dl>
          <dt>Operator</dt>
          <dd>${configuration.actor}</dd>
          <dt>Time</dt>
          <dd class="ticking">${localTime(now().toISOString())}</dd>
          <dt>Stage</dt>
          <dd>${sourceOf(configuration.stages, stage.name)} → ${stage.name}</dd>
          <dt>Image tag</dt>
          <dd class="mono">${build.tag}</dd>
          <dt>Justification</dt>
          <dd>${normaliseText(this.justification) || html`<span class="quiet">–</span>`}</dd>
          <dt>Note</dt>
          <dd>${normaliseText(this.note) || html`<span class="quiet">–</span>`}</dd>
        </dl>
      </div>
      ${this.queueView()}
      <div>
        <label for="confirm">Type <span class="mono">${stage.name}</span> to confirm</label>
        <input
          id="confirm"
          autocapitalize="off"
          spellcheck="false"
          .value=${this.typedName}
          @input=${(event: InputEvent) => {
            this.typedName = (event.target as HTMLInputElement).value;
          }}
        />
      </div>
      ${this.refusalView()}
      ${missing.length > 0 ? html`<ul class="missing" aria-live="polite" id="missing">${missing.map((text) => html`<li>${text}</li>`)}</ul>` : nothing}
      <div class="actions">
        <button
          type="button"
          class="first"
          ?disabled=${this.busy}
          @click=${() => {
            this.refusal = undefined;
            this.step = 'ask';
          }}
        >
          Back
        </button>
        <button type="button" ?disabled=${this.busy} @click=${() => this.close()}>Cancel</button>
        <button
          type="button"
          class="danger"
          id="break"
          ?disabled=${missing.length > 0 || gate.state !== 'blocked' || this.busy}
          @click=${() => void this.submit(true)}
        >
          ${this.busy ? 'Breaking glass…' : `Break glass and promote to ${stage.name}`}
        </button>
      </div>
    `;
  }

  private doneView(answer: PromotionAnswer): TemplateResult {
    return html`
      <h2 id="title">Promotion to ${this.question.stage.name} created</h2>
      <p class="mono">${answer.promotion}</p>
      ${answer.aborted.length > 0 ? html`<p>Aborted: ${answer.aborted.join(', ')}</p>` : nothing}
      <div class="banner warn" role="alert">
        <strong>Something did not work</strong>
        ${answer.warnings.map((text) => html`<div>${text}</div>`)}
      </div>
      <div class="actions">
        <button type="button" class="primary" id="close" @click=${() => this.finish({ kind: 'created', answer })}>Close</button>
      </div>
    `;
  }

  private summary(): TemplateResult {
    const { stage, build, configuration } = this.question;
    const address = commitAddress(configuration.commitUrl, build.tag);
    const tag = html`<span class="mono" title=${build.tag}>${shortTag(build.tag)}</span>`;
    return html`<dl>
      <dt>Build</dt>
      <dd>
        ${address ? html`<a href=${address} target="_blank" rel="noopener noreferrer">${tag}</a>` : tag}
        ${build.alias ? html`<span class="quiet">(${build.alias})</span>` : nothing}
      </dd>
      <dt>From</dt>
      <dd>${sourceOf(configuration.stages, stage.name)}</dd>
      <dt>To</dt>
      <dd>${stage.name}${stage.namespace ? html` <span class="quiet">(namespace ${stage.namespace})</span>` : nothing}</dd>
      <dt>As</dt>
      <dd>${configuration.actor}</dd>
    </dl>`;
  }

  private noteField(needed: boolean): TemplateResult {
    const length = [...normaliseText(this.note)].length;
    return html`<div>
      <label for="note">Note ${needed ? '(required)' : '(optional)'}</label>
      <textarea
        id="note"
        maxlength=${noteRule.maximum}
        ?required=${needed}
        ?autofocus=${this.step === 'ask'}
        aria-describedby="note-count"
        .value=${this.note}
        @input=${(event: InputEvent) => {
          this.note = (event.target as HTMLTextAreaElement).value;
        }}
      ></textarea>
      <div class="hint">
        <span>Stays with the promotion and in the audit log.</span>
        <span id="note-count">${length} of ${noteRule.maximum}</span>
      </div>
    </div>`;
  }

  private queueView(): TemplateResult {
    if (this.queueProblem !== undefined) {
      return html`<div class="banner warn">
        <strong>What is queued ahead is not known</strong>${this.queueProblem} A promotion that waits ahead of this one would hold it back.
      </div>`;
    }
    const queued = this.queued ?? [];
    if (queued.length === 0)
      return html`<div class="box"><h3>Queued ahead</h3>${this.queued ? 'Nothing: it starts at once.' : 'Looking…'}</div>`;
    return html`<div class="box">
      <h3>Queued ahead – ticked ones will be aborted</h3>
      <ul class="queue">
        ${queued.map(
          (one) => html`<li>
            <label>
              <input
                type="checkbox"
                .checked=${!this.spared.has(one.promotion)}
                @change=${(event: Event) => this.spare(one.promotion, !(event.target as HTMLInputElement).checked)}
              />
              <span>
                <span class="mono" title=${one.tag}>${shortTag(one.tag)}</span> by ${one.actor}, ${one.phase.toLowerCase()}
                <span class="quiet mono">${one.promotion}</span>
                ${one.phase === 'Running' ? html`<br /><span class="quiet">It is running: this one waits for its end, unless you abort it.</span>` : nothing}
              </span>
            </label>
          </li>`,
        )}
      </ul>
    </div>`;
  }

  private refusalView(): TemplateResult | typeof nothing {
    return this.refusal === undefined
      ? nothing
      : html`<div class="banner bad" role="alert" id="refusal"><strong>Refused</strong>${this.refusal}</div>`;
  }

  private spare(promotion: string, spared: boolean): void {
    const next = new Set(this.spared);
    if (spared) next.add(promotion);
    else next.delete(promotion);
    this.spared = next;
  }

  private refusals(justification: string | undefined) {
    const { stage, configuration, now } = this.question;
    const note = normaliseText(this.note);
    const found = refusals(stage, {
      now: now(),
      actor: configuration.actor,
      note: note === '' ? undefined : note,
      breakGlass: justification === undefined ? undefined : normaliseText(justification),
    });
    // The gate's advice is for people without this dialog.
    return found.map((one) =>
      one.rule === 'note' && note === '' ? { ...one, message: 'Write a note: it is required here.' } : one,
    );
  }

  private async submit(emergency: boolean): Promise<void> {
    const { stage, build } = this.question;
    const note = normaliseText(this.note);
    this.busy = true;
    this.refusal = undefined;
    try {
      const answer = await this.question.promote({
        stage: stage.name,
        freight: build.freight,
        tag: build.tag,
        ...(note === '' ? {} : { note }),
        ...(emergency
          ? {
              breakGlass: normaliseText(this.justification),
              abort: (this.queued ?? []).map((one) => one.promotion).filter((one) => !this.spared.has(one)),
            }
          : {}),
      });
      if (answer.warnings.length > 0) this.done = answer;
      else this.finish({ kind: 'created', answer });
    } catch (error) {
      this.refusal = wordsOf(error);
      if (emergency) void this.readQueue();
    } finally {
      this.busy = false;
    }
  }

  private close(): void {
    if (this.done) this.finish({ kind: 'created', answer: this.done });
    else this.finish({ kind: 'cancelled', refusal: this.refusal });
  }

  private finish(outcome: PromotionOutcome): void {
    this.dialog.close();
    this.remove();
    this.settle(outcome);
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof DeskError)) return 'It failed for an unknown reason.';
  if (error.status === 401) return 'Your Kargo session has ended. Log in again; nothing was promoted.';
  return error.message;
}

const elementName = 'pipelines-promotion-dialog';

/** Opens the dialog and waits for its end. */
export function askPromotion(question: PromotionQuestion): Promise<PromotionOutcome> {
  if (!customElements.get(elementName)) customElements.define(elementName, PromotionDialog);
  const before = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
  return new Promise((resolve) => {
    const dialog = new PromotionDialog(question, (outcome) => {
      before?.focus();
      resolve(outcome);
    });
    document.body.append(dialog);
  });
}

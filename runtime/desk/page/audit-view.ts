import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { VerifyAnswer } from '../api/types.ts';
import { type DeskClient, DeskError } from '../client/desk-client.ts';
import { theme } from '../client/theme.ts';
import { localTime } from '../client/words.ts';

/** Checks the chain of the audit log and says what it found. */
export class AuditView extends LitElement {
  static override properties = {
    client: { attribute: false },
    recorder: { attribute: false },
    answer: { state: true },
    problem: { state: true },
    busy: { state: true },
  };

  declare client: DeskClient;
  /** Whether this system has an audit recorder. */
  declare recorder: boolean;
  declare answer: VerifyAnswer | undefined;
  declare problem: string | undefined;
  declare busy: boolean;

  static override styles = [
    theme,
    css`
      section {
        display: grid;
        gap: 1rem;
        max-width: 60rem;
        padding: 1.2rem 1.3rem;
        border: 1px solid var(--line);
        border-radius: 12px;
        background: var(--card);
        box-shadow: var(--shadow);
      }
      h2 {
        margin: 0;
        font-size: 1.15rem;
      }
      p {
        margin: 0;
      }
      dl {
        display: grid;
        grid-template-columns: max-content 1fr;
        gap: 0.3rem 1rem;
        margin: 0;
      }
      dt {
        color: var(--quiet);
      }
      dd {
        margin: 0;
        min-width: 0;
      }
      ul {
        margin: 0;
        padding-left: 1.2rem;
      }
      li {
        overflow-wrap: anywhere;
      }
    `,
  ];

  constructor() {
    super();
    this.answer = undefined;
    this.problem = undefined;
    this.busy = false;
  }

  protected override render(): TemplateResult {
    return html`<section aria-labelledby="title">
      <h2 id="title">Audit log</h2>
      <p>
        Every line of the log carries the hash of the line before it, and the end of the chain is kept outside as well, on branch
        <span class="mono">audit</span> of the pipelines repository. A line that was changed, removed, inserted or moved is found here.
      </p>
      ${
        this.recorder
          ? html`<div><button type="button" class="primary" ?disabled=${this.busy} @click=${() => void this.verify()}>${this.busy ? 'Verifying…' : 'Verify now'}</button></div>`
          : html`<div class="banner warn">This system has no audit recorder. The history is what Kargo still has.</div>`
      }
      <div role="status">${this.problem ? html`<div class="banner bad"><strong>Not verified</strong>${this.problem}</div>` : this.resultView()}</div>
    </section>`;
  }

  private resultView(): TemplateResult | typeof nothing {
    const { answer } = this;
    if (!answer) return nothing;
    const { newest } = answer.anchors;
    return html`
      <div class="banner ${answer.valid ? 'good' : 'bad'}" id="verdict">
        <strong>${answer.valid ? 'The chain is whole' : `The chain is broken: ${answer.problemCount} ${answer.problemCount === 1 ? 'problem' : 'problems'}`}</strong>
        ${answer.records.toLocaleString('en')} records in ${answer.files} ${answer.files === 1 ? 'file' : 'files'} were checked.
        ${answer.anchors.checked === 0 ? 'No anchor outside was compared: a log that was rewritten as a whole would look the same.' : nothing}
        ${answer.anchorsError ? html`<div>The anchors could not be read: ${answer.anchorsError}</div>` : nothing}
      </div>
      <br />
      <dl>
        <dt>Checked</dt>
        <dd>${localTime(answer.checkedAt)}</dd>
        <dt>Last record</dt>
        <dd>${answer.head.seq}</dd>
        <dt>Its hash</dt>
        <dd class="mono">${answer.head.hash}</dd>
        <dt>Anchors compared</dt>
        <dd>${answer.anchors.checked}${newest ? html`, the newest of ${localTime(newest.at)} at record ${newest.seq}` : nothing}</dd>
      </dl>
      ${
        answer.problems.length > 0
          ? html`<br />
              <ul>
                ${answer.problems.map((problem) => html`<li>${problem}</li>`)}
              </ul>
              ${answer.problems.length < answer.problemCount ? html`<p class="quiet">The first ${answer.problems.length} are listed.</p>` : nothing}`
          : nothing
      }
    `;
  }

  private async verify(): Promise<void> {
    this.busy = true;
    this.problem = undefined;
    try {
      this.answer = await this.client.verify();
    } catch (error) {
      this.answer = undefined;
      this.problem = error instanceof DeskError ? error.message : 'Something failed in this page.';
    } finally {
      this.busy = false;
    }
  }
}

customElements.define('audit-view', AuditView);

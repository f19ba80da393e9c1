import { css, html, LitElement, type TemplateResult } from 'lit';
import { theme } from '../client/theme.ts';

/** A message that waits to be read. */
class DashboardNotice extends LitElement {
  static override styles = [
    theme,
    css`
      dialog {
        width: min(32rem, calc(100vw - 1.5rem));
        padding: 1.2rem;
        border: 1px solid var(--line);
        border-top: 6px solid var(--bad-solid);
        border-radius: 12px;
        background: var(--card);
        color: var(--text);
      }
      h2 {
        margin: 0;
        font-size: 1.15rem;
      }
      li {
        overflow-wrap: anywhere;
      }
      div {
        text-align: right;
      }
    `,
  ];

  private readonly headline: string;
  private readonly lines: readonly string[];

  constructor(headline: string, lines: readonly string[]) {
    super();
    this.headline = headline;
    this.lines = lines;
    this.setAttribute('light', '');
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector('dialog')!.showModal();
  }

  protected override render(): TemplateResult {
    return html`<dialog aria-labelledby="headline" @close=${() => this.remove()}>
      <h2 id="headline">${this.headline}</h2>
      <ul>
        ${this.lines.map((line) => html`<li>${line}</li>`)}
      </ul>
      <div><button type="button" class="primary" @click=${() => this.renderRoot.querySelector('dialog')!.close()}>Close</button></div>
    </dialog>`;
  }
}

const elementName = 'pipelines-notice';

export function showNotice(headline: string, lines: readonly string[]): void {
  if (!customElements.get(elementName)) customElements.define(elementName, DashboardNotice);
  document.body.append(new DashboardNotice(headline, lines));
}

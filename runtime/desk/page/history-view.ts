import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { HistoryEntry } from '../../../model/audit/history.ts';
import {
  type DeskConfiguration,
  type HistoryAnswer,
  type HistoryFilter,
  historyFilterFields,
  historyResults,
} from '../api/types.ts';
import { type DeskClient, DeskError } from '../client/desk-client.ts';
import { theme } from '../client/theme.ts';
import { commitAddress, lasted, localTime, shortTag } from '../client/words.ts';

const pageSize = 100;
const resultClass: Readonly<Record<string, string>> = {
  Succeeded: 'good',
  Failed: 'bad',
  Errored: 'bad',
  Denied: 'bad',
  Aborted: 'warn',
  Removed: 'warn',
};

/** Every promotion and every refused attempt, with all that the audit holds. The filter is the address: it can be sent on. */
export class HistoryView extends LitElement {
  static override properties = {
    configuration: { attribute: false },
    client: { attribute: false },
    filter: { state: true },
    answer: { state: true },
    entries: { state: true },
    problem: { state: true },
    busy: { state: true },
    open: { state: true },
  };

  declare configuration: DeskConfiguration;
  declare client: DeskClient;
  declare filter: HistoryFilter;
  declare answer: HistoryAnswer | undefined;
  declare entries: readonly HistoryEntry[];
  declare problem: string | undefined;
  declare busy: boolean;
  /** Identities of the rows whose details are shown. */
  declare open: ReadonlySet<string>;

  private question = 0;
  private delay: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        gap: 1rem;
      }
      form {
        display: grid;
        gap: 0.6rem 0.8rem;
        grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr));
        align-items: end;
      }
      label {
        display: grid;
        gap: 0.2rem;
        font-size: 0.86rem;
        color: var(--quiet);
      }
      label.check {
        display: flex;
        align-items: center;
        gap: 0.45rem;
        min-height: 2.3rem;
        color: var(--text);
        font-size: 0.95rem;
      }
      label.check input {
        width: 1.1rem;
        height: 1.1rem;
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.6rem;
      }
      .bar p {
        margin: 0;
        margin-right: auto;
      }
      .frame {
        border: 1px solid var(--line);
        border-radius: 12px;
        background: var(--card);
        box-shadow: var(--shadow);
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
      }
      th,
      td {
        padding: 0.5rem 0.75rem;
        border-bottom: 1px solid var(--line);
        text-align: left;
        vertical-align: top;
      }
      thead th {
        font-size: 0.85rem;
        color: var(--quiet);
        white-space: nowrap;
      }
      tr.glass td:first-child {
        box-shadow: inset 4px 0 0 var(--bad-solid);
      }
      td.note {
        min-width: 12rem;
        max-width: 26rem;
        overflow-wrap: anywhere;
      }
      td.nowrap {
        white-space: nowrap;
      }
      button.link {
        min-height: 0;
        padding: 0;
        border: 0;
        background: none;
        color: var(--accent);
        text-decoration: underline;
        text-align: left;
      }
      dl {
        display: grid;
        grid-template-columns: max-content 1fr;
        gap: 0.25rem 1rem;
        margin: 0.2rem 0 0.6rem;
        max-width: 60rem;
      }
      dt {
        color: var(--quiet);
      }
      dd {
        margin: 0;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .empty {
        padding: 1rem;
        margin: 0;
      }
      @media (max-width: 46rem) {
        thead {
          display: none;
        }
        tr {
          display: block;
          padding: 0.5rem 0;
          border-bottom: 1px solid var(--line);
        }
        td,
        td.note {
          display: grid;
          grid-template-columns: 6rem 1fr;
          gap: 0.6rem;
          max-width: none;
          padding: 0.2rem 0.8rem;
          border: 0;
        }
        td.nowrap {
          white-space: normal;
        }
        td[data-label]::before {
          content: attr(data-label);
          color: var(--quiet);
          font-size: 0.86rem;
        }
        td.details {
          display: block;
        }
        tr.glass {
          box-shadow: inset 4px 0 0 var(--bad-solid);
        }
        tr.glass td:first-child {
          box-shadow: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.filter = filterOf(location.search);
    this.answer = undefined;
    this.entries = [];
    this.problem = undefined;
    this.busy = false;
    this.open = new Set(this.filter.id ? [this.filter.id] : []);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('popstate', this.onPopState);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('popstate', this.onPopState);
    clearTimeout(this.delay);
  }

  private readonly onPopState = () => {
    this.filter = filterOf(location.search);
    void this.load(true);
  };

  protected override firstUpdated(_changed: PropertyValues): void {
    void this.load(true);
  }

  private async load(anew: boolean): Promise<void> {
    this.question += 1;
    const mine = this.question;
    this.busy = true;
    try {
      const answer = await this.client.history(this.filter, anew ? 0 : this.entries.length, pageSize);
      // An older question whose answer comes late must not win.
      if (mine !== this.question) return;
      this.entries = anew ? answer.entries : [...this.entries, ...answer.entries];
      this.answer = answer;
      this.problem = undefined;
    } catch (error) {
      if (mine === this.question)
        this.problem = error instanceof DeskError ? error.message : 'Something failed in this page.';
    } finally {
      if (mine === this.question) this.busy = false;
    }
  }

  private change(field: keyof HistoryFilter, value: string): void {
    const { [field]: _old, ...rest } = this.filter;
    this.filter = value === '' ? rest : { ...rest, [field]: value };
    const query = new URLSearchParams(this.filter).toString();
    history.replaceState(null, '', `/desk/history${query === '' ? '' : `?${query}`}`);
    clearTimeout(this.delay);
    this.delay = setTimeout(() => void this.load(true), 200);
  }

  protected override render(): TemplateResult {
    return html`
      <form role="search" aria-label="Filter the history" @submit=${(event: Event) => event.preventDefault()}>
        ${this.select(
          'stage',
          'Stage',
          this.configuration.stages.map((stage) => stage.name),
        )}
        ${this.select('result', 'Result', historyResults)}
        ${this.textField()} ${this.day('from', 'From (day)')} ${this.day('to', 'Until (day)')}
        <label class="check">
          <input
            type="checkbox"
            .checked=${this.filter.breakGlass === 'true'}
            @change=${(event: Event) => this.change('breakGlass', (event.target as HTMLInputElement).checked ? 'true' : '')}
          />
          break-glass only
        </label>
      </form>
      ${this.problem ? html`<div class="banner bad" role="alert"><strong>The history cannot be shown</strong>${this.problem}</div>` : nothing}
      ${this.answer?.warning ? html`<div class="banner warn" role="status"><strong>Not the whole history</strong>${this.answer.warning}</div>` : nothing}
      <div class="bar">
        <p role="status">${this.countText()}</p>
        ${this.filter.id ? html`<button type="button" @click=${() => this.change('id', '')}>Show all</button>` : nothing}
        <button type="button" @click=${() => void this.export('csv')}>Export CSV</button>
        <button type="button" @click=${() => void this.export('json')}>Export JSON</button>
      </div>
      <div class="frame" tabindex="0" role="region" aria-label="History">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Operator</th>
              <th scope="col">From → to</th>
              <th scope="col">Image tag</th>
              <th scope="col">Result</th>
              <th scope="col">Note, justification</th>
              <th scope="col"><span class="visually-hidden">Details</span></th>
            </tr>
          </thead>
          <tbody>
            ${this.entries.map((row) => this.rowView(row))}
          </tbody>
        </table>
        ${this.entries.length === 0 && !this.busy && !this.problem ? html`<p class="empty quiet">Nothing matches.</p>` : nothing}
      </div>
      ${
        this.answer && this.entries.length < this.answer.total
          ? html`<div><button type="button" ?disabled=${this.busy} @click=${() => void this.load(false)}>Show ${Math.min(pageSize, this.answer.total - this.entries.length)} more</button></div>`
          : nothing
      }
    `;
  }

  private rowView(row: HistoryEntry): TemplateResult {
    const open = this.open.has(row.id);
    const address = commitAddress(this.configuration.commitUrl, row.tag);
    const tag = html`<span class="mono" title=${row.tag}>${shortTag(row.tag)}</span>`;
    return html`<tr class=${row.breakGlass === undefined ? '' : 'glass'}>
        <td class="nowrap" data-label="Time">${localTime(row.createdAt)}</td>
        <td data-label="Operator">${row.actor}</td>
        <td class="nowrap" data-label="From → to"><span>${row.sourceStages.join(', ') || 'registry'} → <strong>${row.stage}</strong></span></td>
        <td class="nowrap" data-label="Image tag">${address ? html`<a href=${address} target="_blank" rel="noopener noreferrer">${tag}</a>` : tag}</td>
        <td class="nowrap" data-label="Result"><span class="chip ${resultClass[row.result] ?? ''}">${row.result}</span></td>
        <td class="note" data-label="Note">
          <span>
            ${row.breakGlass === undefined ? nothing : html`<span class="chip bad">break-glass</span> ${row.breakGlass}<br />`}${row.note ?? ''}
          </span>
        </td>
        <td data-label="Details">
          <button type="button" class="link" aria-expanded=${open} aria-label="Details of ${row.id}" @click=${() => this.toggle(row.id)}>
            ${open ? 'Less' : 'More'}
          </button>
        </td>
      </tr>
      ${open ? this.details(row) : nothing}`;
  }

  private details(row: HistoryEntry): TemplateResult {
    const link = `/desk/history?id=${encodeURIComponent(row.id)}`;
    const entry = (title: string, value: unknown) =>
      value === undefined || value === '' ? nothing : html`<dt>${title}</dt><dd>${value}</dd>`;
    return html`<tr>
      <td colspan="7" class="details">
        <dl>
          ${entry('Promotion', html`<a class="mono" href=${link}>${row.id}</a>`)} ${entry('Operator', row.actor)}
          ${entry('Created', localTime(row.createdAt))} ${entry('Started', localTime(row.startedAt))}
          ${entry('Finished', localTime(row.finishedAt))} ${entry('Took', lasted(row.startedAt, row.finishedAt))}
          ${entry('Source stage', row.sourceStages.join(', ') || 'the registry')} ${entry('Target stage', row.stage)}
          ${entry('Image tag', html`<span class="mono">${row.tag}</span>`)}
          ${entry('Freight', html`<span class="mono">${row.freight}</span>${row.freightAlias ? ` (${row.freightAlias})` : ''}`)}
          ${entry('Note', row.note)} ${entry('Break-glass', row.breakGlass === undefined ? 'no' : 'yes')}
          ${entry('Justification', row.breakGlass)} ${entry('Result', row.result)} ${entry('Message', row.message)}
          ${entry('Aborted by', row.abortedBy)} ${entry('Rollback', row.rollback ? 'yes' : undefined)}
          ${entry('Audit records', row.records.join(', '))}
        </dl>
      </td>
    </tr>`;
  }

  private toggle(id: string): void {
    const next = new Set(this.open);
    if (!next.delete(id)) next.add(id);
    this.open = next;
  }

  private countText(): string {
    if (!this.answer) return this.busy ? 'Reading the history…' : '';
    const { total } = this.answer;
    return `${total.toLocaleString('en')} ${total === 1 ? 'entry' : 'entries'}${this.entries.length < total ? `, the newest ${this.entries.length} shown` : ''}`;
  }

  private async export(format: 'csv' | 'json'): Promise<void> {
    try {
      const blob = await this.client.exported(this.filter, format);
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = `${this.configuration.project}-history.${format}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.problem = error instanceof DeskError ? error.message : 'The export failed.';
    }
  }

  private select(field: 'stage' | 'result', title: string, values: readonly string[]): TemplateResult {
    return html`<label>
      ${title}
      <select @change=${(event: Event) => this.change(field, (event.target as HTMLSelectElement).value)}>
        <option value="">all</option>
        ${values.map((value) => html`<option value=${value} ?selected=${this.filter[field] === value}>${value}</option>`)}
      </select>
    </label>`;
  }

  private textField(): TemplateResult {
    return html`<label>
      Text
      <input
        type="search"
        placeholder="tag, operator, note …"
        maxlength="300"
        .value=${this.filter.text ?? ''}
        @input=${(event: InputEvent) => this.change('text', (event.target as HTMLInputElement).value)}
      />
    </label>`;
  }

  /** Whole days of the reader's own zone; `to` includes its day. */
  private day(field: 'from' | 'to', title: string): TemplateResult {
    const end = field === 'to';
    return html`<label>
      ${title}
      <input
        type="date"
        .value=${dayOf(this.filter[field], end)}
        @change=${(event: Event) => {
          const { value } = event.target as HTMLInputElement;
          const day = value === '' ? undefined : new Date(`${value}T00:00:00`);
          if (day && end) day.setDate(day.getDate() + 1);
          this.change(field, day && !Number.isNaN(day.getTime()) ? day.toISOString() : '');
        }}
      />
    </label>`;
  }
}

function dayOf(at: string | undefined, end: boolean): string {
  if (at === undefined || Number.isNaN(Date.parse(at))) return '';
  const day = new Date(Date.parse(at) - (end ? 1 : 0));
  return `${String(day.getFullYear()).padStart(4, '0')}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`;
}

function filterOf(search: string): HistoryFilter {
  const query = new URLSearchParams(search);
  return Object.fromEntries(
    historyFilterFields.flatMap((field) => (query.get(field) ? [[field, query.get(field)]] : [])),
  ) as HistoryFilter;
}

customElements.define('history-view', HistoryView);

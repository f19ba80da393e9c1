import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { DeskConfiguration, DeskState, FreightView } from '../api/types.ts';
import { theme } from '../client/theme.ts';
import { ago, commitAddress, localTime, shortTag } from '../client/words.ts';

const shownAtFirst = 15;

/** Every build that Kargo knows and what it waits for at every stage. */
export class BuildTable extends LitElement {
  static override properties = {
    state: { attribute: false },
    configuration: { attribute: false },
    now: { attribute: false },
    all: { state: true },
  };

  declare state: DeskState;
  declare configuration: DeskConfiguration;
  declare now: Date;
  declare all: boolean;

  static override styles = [
    theme,
    css`
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
        padding: 0.6rem 0.8rem;
        border-bottom: 1px solid var(--line);
        text-align: left;
        vertical-align: top;
      }
      tr:last-child td,
      tr:last-child th {
        border-bottom: 0;
      }
      thead th {
        font-size: 0.85rem;
        color: var(--quiet);
      }
      tbody th {
        font-weight: 400;
        min-width: 9rem;
      }
      .reason {
        font-size: 0.86rem;
        color: var(--quiet);
      }
      .small {
        font-size: 0.86rem;
      }
      p {
        margin: 0;
        padding: 1rem;
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
        tr:last-child {
          border-bottom: 0;
        }
        th,
        td {
          display: grid;
          grid-template-columns: 5rem 1fr;
          gap: 0.6rem;
          padding: 0.3rem 0.8rem;
          border: 0;
        }
        td::before,
        th::before {
          content: attr(data-label);
          color: var(--quiet);
          font-size: 0.86rem;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.all = false;
  }

  protected override render(): TemplateResult {
    const { freight, stages } = this.state;
    if (freight.length === 0) return html`<div class="frame"><p class="quiet">Kargo has found no build yet.</p></div>`;
    const shown = this.all ? freight : freight.slice(0, shownAtFirst);
    return html`
      <div class="frame" tabindex="0" role="region" aria-label="Builds">
        <table>
          <thead>
            <tr>
              <th scope="col">Build</th>
              ${stages.map((stage) => html`<th scope="col">${stage.name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${shown.map((one) => this.row(one))}
          </tbody>
        </table>
      </div>
      ${
        shown.length < freight.length
          ? html`<p>
              <button
                type="button"
                @click=${() => {
                  this.all = true;
                }}
              >
                Show all ${freight.length} builds
              </button>
            </p>`
          : nothing
      }
    `;
  }

  private row(build: FreightView): TemplateResult {
    const address = commitAddress(this.configuration.commitUrl, build.tag);
    const tag = html`<span class="mono" title=${build.tag}>${shortTag(build.tag) || build.freight.slice(0, 12)}</span>`;
    return html`<tr>
      <th scope="row" data-label="Build">
        <span>
          ${address ? html`<a href=${address} target="_blank" rel="noopener noreferrer" aria-label="Commit ${build.tag}">${tag}</a>` : tag}
          <br /><span class="small quiet" title=${localTime(build.discoveredAt)}>${build.alias ?? ''} ${ago(build.discoveredAt, this.now)}</span>
        </span>
      </th>
      ${this.state.stages.map(({ name }) => html`<td data-label=${name}>${this.cell(build, name)}</td>`)}
    </tr>`;
  }

  /** Whether the stage runs a newer build: to promote this one is to roll back. */
  private isOlder(build: FreightView, stage: string): boolean {
    const current = this.state.stages.find((one) => one.name === stage)?.current?.freight;
    const running = this.state.freight.find((one) => one.freight === current);
    return running !== undefined && (build.discoveredAt ?? '') < (running.discoveredAt ?? '');
  }

  private cell(build: FreightView, stage: string): TemplateResult {
    const eligibility = build.stages[stage];
    if (eligibility?.state === 'here') return html`<span><span class="chip good">here</span></span>`;
    if (eligibility?.state === 'eligible') {
      const older = this.isOlder(build, stage);
      return html`<span>
        <button
          type="button"
          aria-label="${older ? 'Roll back to' : 'Promote'} ${shortTag(build.tag)} ${older ? 'on' : 'to'} ${stage}"
          @click=${() =>
            this.dispatchEvent(
              new CustomEvent('promote', {
                detail: { stage, build: { freight: build.freight, alias: build.alias, tag: build.tag } },
              }),
            )}
        >
          ${older ? 'Roll back…' : 'Promote…'}
        </button>
        ${eligibility.reason ? html`<span class="reason">${eligibility.reason}</span>` : nothing}
      </span>`;
    }
    return html`<span class="reason">${eligibility?.reason ?? 'not known'}</span>`;
  }
}

customElements.define('build-table', BuildTable);

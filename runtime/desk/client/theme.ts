import { css } from 'lit';

/** Colours and shapes that the page and the dialogs share. Every pair of text and ground has a contrast of 4.5 or more. */
export const theme = css`
  :host {
    --ground: #f4f6f8;
    --card: #ffffff;
    --line: #d5dbe1;
    --text: #1a2129;
    --quiet: #55606c;
    --accent: #0a58a8;
    --on-accent: #ffffff;
    --good: #17692f;
    --good-ground: #e6f4ea;
    --bad: #a8201a;
    --bad-ground: #fdecea;
    --bad-solid: #b3261e;
    --on-bad: #ffffff;
    --warn: #7a4d00;
    --warn-ground: #fff4dc;
    --off: #55606c;
    --off-ground: #e9edf1;
    --shadow: 0 1px 2px rgb(20 30 40 / 8%), 0 4px 14px rgb(20 30 40 / 7%);
    --mono: ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'Liberation Mono', monospace;
    color-scheme: light dark;
    font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif;
    font-size: 15px;
    line-height: 1.45;
    color: var(--text);
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([light])) {
      --ground: #10151b;
      --card: #1a212a;
      --line: #343f4b;
      --text: #e7ebf0;
      --quiet: #a3afbb;
      --accent: #7cbcff;
      --on-accent: #0b1726;
      --good: #71d894;
      --good-ground: #15301f;
      --bad: #ff9d94;
      --bad-ground: #3a1a1a;
      --bad-solid: #ff9d94;
      --on-bad: #2a0907;
      --warn: #f2c063;
      --warn-ground: #35290f;
      --off: #a3afbb;
      --off-ground: #26303a;
      --shadow: none;
    }
  }
  :host([light]) {
    color-scheme: light;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  a {
    color: var(--accent);
  }
  button,
  input,
  select,
  textarea {
    font: inherit;
    color: inherit;
  }
  input:not([type='checkbox']),
  select,
  textarea {
    width: 100%;
    min-height: 2.4rem;
    padding: 0.45rem 0.6rem;
    border: 1px solid var(--quiet);
    border-radius: 7px;
    background: var(--card);
  }
  button {
    padding: 0.45rem 0.9rem;
    min-height: 2.3rem;
    border: 1px solid var(--quiet);
    border-radius: 7px;
    background: var(--card);
    cursor: pointer;
  }
  button.primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  button.danger {
    border-color: var(--bad-solid);
    background: var(--bad-solid);
    color: var(--on-bad);
    font-weight: 600;
  }
  button.danger-quiet {
    border-color: var(--bad);
    color: var(--bad);
    font-weight: 600;
  }
  button:disabled {
    border-color: var(--line);
    background: var(--off-ground);
    color: var(--quiet);
    cursor: not-allowed;
    font-weight: 400;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  .mono {
    font-family: var(--mono);
    font-size: 0.92em;
    overflow-wrap: anywhere;
  }
  .quiet {
    color: var(--quiet);
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 0.35rem;
    padding: 0.1rem 0.55rem;
    border-radius: 999px;
    background: var(--off-ground);
    color: var(--off);
    font-size: 0.86rem;
    font-weight: 600;
    white-space: nowrap;
  }
  .chip.good {
    background: var(--good-ground);
    color: var(--good);
  }
  .chip.bad {
    background: var(--bad-ground);
    color: var(--bad);
  }
  .chip.warn {
    background: var(--warn-ground);
    color: var(--warn);
  }
  .banner {
    padding: 0.6rem 0.8rem;
    border-radius: 8px;
    border-left: 4px solid var(--off);
    background: var(--off-ground);
  }
  .banner.good {
    border-color: var(--good);
    background: var(--good-ground);
  }
  .banner.bad {
    border-color: var(--bad);
    background: var(--bad-ground);
  }
  .banner.warn {
    border-color: var(--warn);
    background: var(--warn-ground);
  }
  .banner strong {
    display: block;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      transition: none !important;
      animation: none !important;
    }
  }
`;

import type { DeskConfiguration } from '../api/types.ts';
import { type GateView, gateView } from '../client/gate-view.ts';

const ribbonClass = 'pipelines-gate-ribbon';

export interface RibbonOptions {
  /** Undefined until it is known. */
  readonly configuration: () => DeskConfiguration | undefined;
  /** Now, by the server's clock. */
  readonly now: () => Date;
}

/**
 * Keeps a ribbon on the node of every stage in Kargo's graph. The graph mounts and unmounts nodes as it is moved, so the
 * document is watched; drawing is put off to the next frame, so that a storm of changes is one drawing.
 *
 * @returns draws anew; for a clock
 */
export function keepRibbons(options: RibbonOptions): () => void {
  let planned = false;
  const draw = () => {
    planned = false;
    const configuration = options.configuration();
    if (!configuration) return;
    for (const node of document.querySelectorAll<HTMLElement>('[id^="stage/"]'))
      drawOn(node, configuration, options.now());
  };
  const plan = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(draw);
  };
  new MutationObserver((changes) => {
    if (changes.some((change) => change.type === 'childList' && !isRibbon(change.target))) plan();
  }).observe(document.documentElement, { childList: true, subtree: true });
  return plan;
}

function isRibbon(node: Node): boolean {
  return node instanceof Element && node.closest(`.${ribbonClass}`) !== null;
}

function drawOn(node: HTMLElement, configuration: DeskConfiguration, now: Date): void {
  const name = node.id.split('/')[2] ?? '';
  const stage = configuration.stages.find((one) => one.name === name);
  const inProject = location.pathname.startsWith(`/project/${encodeURIComponent(configuration.project)}`);
  const gate = stage && inProject ? gateView(configuration.stages, name, now) : undefined;
  const known = node.querySelector<HTMLAnchorElement>(`:scope > .${ribbonClass}`);
  if (!gate || (gate.state === 'free' && gate.needs.length === 0 && !gate.waived)) {
    known?.remove();
    return;
  }
  const ribbon = known ?? newRibbon(name);
  const text = ribbonText(gate);
  // Writing what is there already would wake the observer of everybody else.
  if (ribbon.textContent !== text) ribbon.textContent = text;
  const title = ribbonTitle(gate);
  if (ribbon.title !== title) ribbon.title = title;
  if (ribbon.dataset.gate !== gate.state) {
    ribbon.dataset.gate = gate.state;
    const [background, color] = colours[gate.state];
    Object.assign(ribbon.style, { background, color });
  }
  if (!known && getComputedStyle(node).position === 'static') node.style.position = 'relative';
  // The box of a node is higher than its card where the card has little to say.
  const card = node.querySelector<HTMLElement>('.stage-node');
  const top = card ? `${card.offsetTop + card.offsetHeight - 2}px` : 'calc(100% - 6px)';
  if (ribbon.style.top !== top) ribbon.style.top = top;
  if (!known) node.append(ribbon);
}

const colours: Readonly<Record<GateView['state'], readonly [string, string]>> = {
  blocked: ['#b3261e', '#ffffff'],
  open: ['#17692f', '#ffffff'],
  free: ['#7a4d00', '#ffffff'],
  disabled: ['#55606c', '#ffffff'],
};

function ribbonText(gate: GateView): string {
  const parts =
    gate.state === 'blocked'
      ? ['BLOCKED', gate.ticking]
      : gate.state === 'open'
        ? ['ALLOWED', gate.ticking]
        : gate.state === 'disabled'
          ? ['SWITCHED OFF']
          : [gate.waived ? 'EVIDENCE WAIVED' : 'ALLOWED'];
  if (gate.waived && gate.state === 'open') parts.push('evidence waived');
  return parts.filter((part) => part !== undefined).join(' – ');
}

function ribbonTitle(gate: GateView): string {
  const needs = gate.needs.length > 0 ? `needs ${gate.needs.join(', ')}` : undefined;
  const change = gate.changesAt && `next change ${gate.changesAt}`;
  return [`${gate.title}: ${gate.reason}`, change, needs, gate.waived, 'Click for the history']
    .filter((part) => part !== undefined)
    .join('\n');
}

/** Plain styles on the element itself: nothing of the dashboard's own style sheets is touched. */
function newRibbon(stage: string): HTMLAnchorElement {
  const ribbon = document.createElement('a');
  ribbon.className = `${ribbonClass} nodrag`;
  ribbon.href = `/desk/history?stage=${encodeURIComponent(stage)}`;
  Object.assign(ribbon.style, {
    position: 'absolute',
    left: '0',
    right: '0',
    zIndex: '5',
    padding: '1px 6px',
    borderRadius: '0 0 6px 6px',
    font: '600 10px/16px system-ui, sans-serif',
    textAlign: 'center',
    textDecoration: 'none',
    whiteSpace: 'nowrap',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    fontVariantNumeric: 'tabular-nums',
    pointerEvents: 'auto',
  });
  // The dashboard's router would look for a page of its own.
  ribbon.addEventListener('click', (event) => event.stopPropagation());
  return ribbon;
}

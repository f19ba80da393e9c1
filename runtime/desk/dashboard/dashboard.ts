import type { DeskConfiguration } from '../api/types.ts';
import { DeskClient, kargoToken } from '../client/desk-client.ts';
import { keepRibbons } from './ribbons.ts';
import { wrapFetch } from './wrapped-fetch.ts';

const freshFor = 60_000;

/** Puts dialog and ribbons into the stock Kargo dashboard. Runs before the dashboard's own code. */
export function install(): void {
  const original = window.fetch.bind(window);
  const client = new DeskClient(original);
  let known: DeskConfiguration | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  let asking: Promise<DeskConfiguration> | undefined;
  const configuration = async (): Promise<DeskConfiguration> => {
    if (known && performance.now() - asked < freshFor) return known;
    asking ??= client.configuration().finally(() => {
      asking = undefined;
    });
    asked = performance.now();
    known = await asking;
    return known;
  };
  window.fetch = wrapFetch({ original, client, configuration });
  leaveForDesk();
  const draw = keepRibbons({ configuration: () => known, now: () => client.now() });
  setInterval(() => {
    draw();
    const due = performance.now() - asked > (known ? freshFor : 5000);
    if (due && !document.hidden && kargoToken() !== undefined && location.pathname.startsWith('/project/')) {
      asked = performance.now();
      // The ribbons wait for the next try.
      client.configuration().then(
        (fresh) => {
          known = fresh;
          draw();
        },
        () => undefined,
      );
    }
  }, 1000);
}

/** After a log-in the dashboard's router goes where it was asked to; the desk is no page of its own, so the browser goes. */
function leaveForDesk(): void {
  for (const method of ['pushState', 'replaceState'] as const) {
    const before = history[method].bind(history);
    history[method] = (data: unknown, unused: string, address?: string | URL | null) => {
      const target = address ? new URL(address, location.href) : undefined;
      if (target?.origin === location.origin && /^\/desk(\/|$)/.test(target.pathname)) {
        location.assign(target);
        return;
      }
      before(data, unused, address);
    };
  }
}

import { Environment } from '@marcbachmann/cel-js';
import type { CelVariable } from '../../../constructs/gate/cel.ts';
import { type WindowVariablesOptions, windowVariables } from '../../../constructs/gate/window-variables.ts';
import type { PromotionWindow } from '../../../model/promotion-window/index.ts';

/**
 * An evaluator of CEL in Node. It reads zones by way of the local time of this process: tests that use zone names run with
 * TZ=UTC, and test/cluster/gate samples the same instants on the real API server.
 */
const environment = new Environment({ unlistedVariablesAreDyn: true })
  .registerVariable('variables', 'map')
  .registerFunction('int(google.protobuf.Timestamp): int', (time: Date) => BigInt(Math.floor(time.getTime() / 1000)));

/** What a policy says about an instant; `left` is read before the next instant is asked for. */
export interface CelAnswer {
  readonly blocked: boolean;
  readonly left: () => string;
}

/** Compiles the variables of a window; the result tells the answer for an instant. Variables are lazy, as in a policy. */
export function celWindow(window: PromotionWindow, options: WindowVariablesOptions): (millis: number) => CelAnswer {
  const { variables, blocked, left } = windowVariables(window, options);
  const compiled = variables.map(({ name, expression }: CelVariable) => ({ name, run: environment.parse(expression) }));
  let computed: Record<string, unknown> = {};
  const values: Record<string, unknown> = {};
  const context = { variables: values };
  for (const { name, run } of compiled) {
    Object.defineProperty(values, name, {
      enumerable: true,
      get: () => {
        if (!(name in computed)) computed[name] = run(context);
        return computed[name];
      },
    });
  }
  const read = (path: string) => values[path.replace('variables.', '')];
  return (millis) => {
    computed = {};
    values.now = new Date(millis);
    const answer = read(blocked) as boolean;
    return { blocked: answer, left: () => read(left) as string };
  };
}

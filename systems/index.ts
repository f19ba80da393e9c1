import type { System } from '../constructs/core/index.ts';

/** Every system, in the order of its folder in requirements/. */
export const systems: readonly System[] = [];

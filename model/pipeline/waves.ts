import type { Step } from './step.ts';

/**
 * Makes steps wave by wave: all of the first wave need `after`, all of a later one need the whole wave before. Engines
 * have no limit for parallel steps of one run, so this is what keeps a node from building everything at once.
 * @param make makes the step of one item, with the given needs
 */
export function inWaves<Item, Made extends Step>(
  waves: readonly (readonly Item[])[],
  after: readonly Step[],
  make: (item: Item, needs: readonly Step[]) => Made,
): readonly Made[] {
  const all: Made[] = [];
  let previous: readonly Step[] = after;
  for (const wave of waves.filter((members) => members.length > 0)) {
    const needs = previous;
    const made = wave.map((item) => make(item, needs));
    all.push(...made);
    previous = made;
  }
  return all;
}

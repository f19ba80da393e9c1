/** Bundles the programs once before a run, since systems ship them and tests start them. */
export default async function setup(): Promise<void> {
  const { buildMain, buildRuntime } = await import('../../tools/build.mjs');
  await Promise.all([buildMain(), buildRuntime()]);
}

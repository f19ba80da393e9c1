import type { Migration } from '../../model/migration.ts';
import type { Checkout } from './repository.ts';

/** What the pipeline takes for granted and the checkout does not have, each with what to do. */
export function missingFiles(checkout: Checkout, migration: Migration): readonly string[] {
  const missing = migration.expects.flatMap((expected) => {
    const isFolder = expected.endsWith('/');
    const path = isFolder ? expected.slice(0, -1) : expected;
    if (!checkout.has(path)) {
      return [`${expected} is missing: add it, or change the path in the settings`];
    }
    return checkout.isFolder(path) === isFolder ? [] : [`${path} must be a ${isFolder ? 'folder' : 'file'}`];
  });
  const unwanted = migration.refuse
    .filter(({ path }) => checkout.has(path))
    .map(({ path, reason }) => `${path} is there: ${reason}`);
  return [...missing, ...unwanted];
}

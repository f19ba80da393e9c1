import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import sweep from '../../../constructs/integration-test-access/sweep.sh';
import { type ShellFolder, shellFolder } from '../../support/shell.ts';

// Without an API server: what the script does when deleting fails, and with times that a test cannot wait for.
let folder: ShellFolder;
beforeEach(() => {
  folder = shellFolder();
});
afterEach(() => folder.remove());

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');

function kubectl(lists: Readonly<Record<string, readonly object[]>>, onDelete = 'true') {
  const answers = Object.entries(lists).map(
    ([resource, metadata]) =>
      `${resource}) printf '%s' '${JSON.stringify({ items: metadata.map((m) => ({ metadata: m })) })}' ;;`,
  );
  folder.standIn(
    'kubectl',
    `if [ "$1" = delete ]; then echo "$2 $3" >>${folder.path}/deleted; ${onDelete}; exit; fi
case $2 in ${answers.join(' ')} *) printf '{"items":[]}' ;; esac`,
  );
}

const environment = { SANDBOX_PREFIX: 'demo-', SANDBOX_LABEL: 'a/b=true', MAXIMUM_AGE_MINUTES: '180' };
const run = (steps: Readonly<Record<string, string>> = { STEPS_NAMESPACE: 'steps' }) =>
  folder.sh(sweep, [], { ...environment, ...steps }, 'bash');
const deleted = () => readFileSync(`${folder.path}/deleted`, 'utf8').trim().split('\n');

test('only what is older than the longest pipeline goes, and nothing that is going already', async () => {
  kubectl({
    namespaces: [
      { name: 'demo-old', creationTimestamp: hoursAgo(4) },
      { name: 'demo-young', creationTimestamp: hoursAgo(2.5) },
      { name: 'demo-going', creationTimestamp: hoursAgo(9), deletionTimestamp: hoursAgo(1) },
      { name: 'other-old', creationTimestamp: hoursAgo(9) },
    ],
    pods: [
      { name: 'wp-1', creationTimestamp: hoursAgo(5) },
      { name: 'wp-2', creationTimestamp: hoursAgo(1) },
    ],
    services: [{ name: 'wp-hsvc-1', creationTimestamp: hoursAgo(5) }],
    persistentvolumeclaims: [{ name: 'wp-1-0-default', creationTimestamp: hoursAgo(5) }],
  });
  expect(await run()).toMatchObject({ code: 0 });
  expect(deleted()).toEqual([
    'namespace demo-old',
    'pod wp-1',
    'secret wp-1',
    'secret wp-1-step-secret',
    'service wp-hsvc-1',
    'persistentvolumeclaim wp-1-0-default',
  ]);
});

test('one refusal does not keep the rest, and is reported', async () => {
  kubectl(
    {
      namespaces: ['demo-a', 'demo-b'].map((name) => ({ name, creationTimestamp: hoursAgo(4) })),
    },
    'test "$3" != demo-a',
  );
  expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining('1 objects could not be removed') });
  expect(deleted()).toEqual(['namespace demo-a', 'namespace demo-b']);
});

test('an API server that does not answer is a failure, not a clean sweep', async () => {
  folder.standIn('kubectl', 'echo "connection refused" >&2; exit 1');
  expect((await run()).code).not.toBe(0);
});

test('without a namespace of steps only sandboxes are looked at', async () => {
  kubectl({
    namespaces: [{ name: 'demo-old', creationTimestamp: hoursAgo(4) }],
    pods: [{ name: 'wp-1', creationTimestamp: hoursAgo(5) }],
  });
  await run({});
  expect(deleted()).toEqual(['namespace demo-old']);
});

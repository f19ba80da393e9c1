import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noCommit, workflowName } from '../../../model/delivery/index.ts';
import { decide, start } from '../../../runtime/delivery/dispatch.ts';
import { KubernetesStandIn } from '../../support/kubernetes-stand-in.ts';
import { revision, settings } from './facts.ts';

const push = { forge: 'github', url: 'https://github.com/metasync/ledger.git', ref: 'refs/heads/main', revision };

describe('a push', () => {
  test.each([
    ['https://github.com/metasync/ledger.git', 'refs/heads/main', 'ledger', 'build'],
    ['git@github.com:metasync/ledger.git', 'refs/heads/main', 'ledger', 'build'],
    ['https://github.com/MetaSync/Ledger', 'refs/tags/v1.2.3', 'ledger', 'release'],
    ['https://metasync@dev.azure.com/metasync/data/_git/sales', 'refs/heads/main', 'sales', 'build'],
    [
      'https://metasync.visualstudio.com/DefaultCollection/data/_git/sales',
      'refs/tags/v1.2.3-rc.1',
      'sales',
      'release',
    ],
  ])('to %s %s runs for %s: %s', (url, ref, application, template) => {
    const decision = decide(settings, { ...push, url, ref });
    expect(decision.start && [decision.application.name, decision.template]).toEqual([application, template]);
  });

  test.each([
    ['a deleted branch', { revision: noCommit }, /was deleted/],
    ['a short commit', { revision: 'abc' }, /is no commit/],
    ['another branch', { ref: 'refs/heads/feature' }, /only main is/],
    ['a tag that is no release', { ref: 'refs/tags/nightly' }, /no release/],
    ['a note', { ref: 'refs/notes/commits' }, /neither a branch nor a tag/],
    ['overlays', { url: 'https://github.com/metasync/ledger-gitops.git' }, /holds overlays/],
    ['an unknown repository', { url: 'https://github.com/metasync/other' }, /no application comes from/],
  ])('of %s starts nothing and says why', (_, change, reason) => {
    const decision = decide(settings, { ...push, ...change });
    expect(decision.start ? '' : decision.reason).toMatch(reason);
  });

  test('from a forge that is not ours is refused', () => {
    expect(() => decide(settings, { ...push, url: 'https://evil.example/metasync/ledger' })).toThrow(
      /no repository of/,
    );
  });
});

describe('the workflow of a push', () => {
  let cluster: KubernetesStandIn;
  beforeEach(async () => {
    cluster = await KubernetesStandIn.start();
  });
  afterEach(() => cluster.stop());

  test("is made in its tenant's namespace, with its facts as parameters, once however often it is reported", async () => {
    const decision = decide(settings, push);
    if (!decision.start) throw new Error(decision.reason);
    expect(await start(cluster.client, decision)).toBe(true);
    expect(await start(cluster.client, decision)).toBe(false);
    const name = workflowName('ledger', push.ref, revision);
    expect([...cluster.objects.keys()]).toEqual([
      `/apis/argoproj.io/v1alpha1/namespaces/ci-payments/workflows/${name}`,
    ]);
    const [made] = cluster.objects.values();
    expect(made?.spec).toEqual({
      workflowTemplateRef: { name: 'build' },
      arguments: {
        parameters: [
          { name: 'application', value: 'ledger' },
          { name: 'revision', value: revision },
          { name: 'ref', value: 'refs/heads/main' },
        ],
      },
    });
  });

  test('has another name for another ref of the same commit: the tag is built beside the branch', () => {
    expect(workflowName('ledger', 'refs/heads/main', revision)).not.toBe(
      workflowName('ledger', 'refs/tags/v1.0.0', revision),
    );
  });
});

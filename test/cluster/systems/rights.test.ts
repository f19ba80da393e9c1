import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Plane, startPlane } from '../../support/plane.ts';
import { objectsIn, renderedFiles } from '../../support/rendered.ts';

/** One question to the API server: `verb resource[.group][/subresource] namespace [name]`. */
type Ask = string;

/** What would be worth having for an intruder; every account is asked about every line. */
const temptations: readonly Ask[] = [
  'get secrets argocd argocd-secret',
  'list secrets argocd',
  'get secrets kargo kargo-admin-account',
  'list secrets kargo',
  'list secrets kargo-shared-resources',
  'list secrets stonks-pipeline',
  'list secrets woodpecker',
  'list secrets woodpecker-steps',
  'list secrets arc-system',
  'list secrets git-server',
  'list secrets stonks-oracle',
  'create pods argocd',
  'create pods kargo',
  'create pods stonks-oracle',
  'create pods woodpecker-steps',
  'create pods arc-system',
  'create pods/exec arc-system',
  'create pods/exec woodpecker',
  'patch deployments.apps stonks-oracle',
  'patch deployments.apps git-server gitea',
  'delete deployments.apps stonks-paper',
  'patch applications.argoproj.io argocd stonks-live',
  'create applications.argoproj.io argocd',
  'delete applications.argoproj.io argocd',
  'create promotions.kargo.akuity.io stonks-pipeline',
  'promote stages.kargo.akuity.io stonks-pipeline live',
  'promote stages.kargo.akuity.io stonks-pipeline paper',
  'update stages.kargo.akuity.io/status stonks-pipeline live',
  'update promotions.kargo.akuity.io/status stonks-pipeline',
  'update freights.kargo.akuity.io/status stonks-pipeline',
  'delete promotions.kargo.akuity.io stonks-pipeline',
  'create rolebindings.rbac.authorization.k8s.io stonks-pipeline',
  'create rolebindings.rbac.authorization.k8s.io kargo',
  'create clusterrolebindings.rbac.authorization.k8s.io *',
  'delete validatingadmissionpolicies.admissionregistration.k8s.io *',
  'patch validatingadmissionpolicybindings.admissionregistration.k8s.io *',
  'delete namespaces * stonks-oracle',
  'create namespaces *',
  'delete persistentvolumes * pipeline-kargo-pv',
  'impersonate users * pipelines-set-up',
  'create serviceaccounts/token argocd argocd-application-controller',
];

type Granted = Readonly<Record<string, readonly Ask[]>>;

/**
 * Which temptations an account really has, because its work is exactly that. What admission policies then still refuse (a
 * namespace without the sandbox's prefix, a binding elsewhere) is shown by the tests of those policies.
 */
const delivery: Granted = {
  'argocd/state-jobs': ['get secrets argocd argocd-secret', 'create applications.argoproj.io argocd'],
  'argocd/state-snapshot': ['get secrets argocd argocd-secret'],
  'kargo/audit-recorder': [],
  'kargo/promotion-desk': [],
  'kargo/state-jobs': [
    'get secrets kargo kargo-admin-account',
    'create promotions.kargo.akuity.io stonks-pipeline',
    'update stages.kargo.akuity.io/status stonks-pipeline live',
    'update promotions.kargo.akuity.io/status stonks-pipeline',
    'update freights.kargo.akuity.io/status stonks-pipeline',
    'create namespaces *',
  ],
  'kargo/state-snapshot': ['get secrets kargo kargo-admin-account'],
  'stonks-pipeline/approvers': [
    'create promotions.kargo.akuity.io stonks-pipeline',
    'promote stages.kargo.akuity.io stonks-pipeline live',
    'promote stages.kargo.akuity.io stonks-pipeline paper',
  ],
  'stonks-pipeline/operators': [
    'create promotions.kargo.akuity.io stonks-pipeline',
    'promote stages.kargo.akuity.io stonks-pipeline paper',
  ],
};

const granted: Readonly<Record<string, Granted>> = {
  'stonks-oracle': {
    ...delivery,
    'pipelines-set-up/forge-setup': ['patch deployments.apps git-server gitea'],
    'woodpecker/sandbox-sweeper': ['delete namespaces * stonks-oracle'],
    'woodpecker/state-jobs': [],
    'woodpecker/state-snapshot': [],
    'woodpecker/woodpecker-agent': [
      'create pods woodpecker-steps',
      'create rolebindings.rbac.authorization.k8s.io stonks-pipeline',
      'create rolebindings.rbac.authorization.k8s.io kargo',
      'delete namespaces * stonks-oracle',
      'create namespaces *',
    ],
    'woodpecker/woodpecker-postgres': [],
    'woodpecker/woodpecker-server': [],
    'woodpecker-steps/default': [],
    'woodpecker-steps/woodpecker-inttest': [
      'create rolebindings.rbac.authorization.k8s.io stonks-pipeline',
      'create rolebindings.rbac.authorization.k8s.io kargo',
      'delete namespaces * stonks-oracle',
      'create namespaces *',
    ],
  },
  'stonks-oracle-arc': {
    ...delivery,
    // The jobs on the runners; sandboxes alone, by the policies of the integration test.
    'arc-system/sandbox-sweeper': ['delete namespaces * stonks-oracle'],
    'arc-system/arc-runner': [
      'create rolebindings.rbac.authorization.k8s.io stonks-pipeline',
      'create rolebindings.rbac.authorization.k8s.io kargo',
      'delete namespaces * stonks-oracle',
      'create namespaces *',
    ],
  },
};

let plane: Plane;

async function may(account: string, ask: Ask): Promise<boolean> {
  const [verb = '', what = '', namespace = '', name] = ask.split(' ');
  const [resourceAndGroup = '', subresource] = what.split('/');
  const [resource = '', ...group] = resourceAndGroup.split('.');
  const [accountNamespace, accountName] = account.split('/');
  const { status, body } = await plane.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${accountNamespace}:${accountName}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${accountNamespace}`, 'system:authenticated'],
      resourceAttributes: {
        verb,
        group: group.join('.'),
        resource,
        subresource,
        namespace: namespace === '*' ? undefined : namespace,
        name,
      },
    },
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.status.allowed === true;
}

describe.each(Object.keys(granted))('%s', (system) => {
  const objects = objectsIn(renderedFiles(system));
  const expected = granted[system] ?? {};
  const accounts = objects
    .filter((object) => object.kind === 'ServiceAccount')
    .map((object) => `${object.metadata.namespace}/${object.metadata.name}`)
    .sort();

  beforeAll(async () => {
    plane = await startPlane({ controllers: false });
    const namespaces = new Set([
      ...objects.flatMap((object) => object.metadata.namespace ?? []),
      'git-server',
      'stonks-oracle',
    ]);
    await plane.apply([...namespaces].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
    await plane.apply(
      objects.filter(
        (object) => object.apiVersion === 'rbac.authorization.k8s.io/v1' || object.kind === 'ServiceAccount',
      ),
    );
  });
  afterAll(() => plane?.stop());

  test('the table names every account that is rendered', () => {
    expect(Object.keys(expected).sort()).toEqual(accounts);
  });

  test.each(accounts)('%s has the rights that its work needs, and none of the others', async (account) => {
    const allowed: Ask[] = [];
    for (const ask of temptations) if (await may(account, ask)) allowed.push(ask);
    expect(allowed.sort()).toEqual([...(expected[account] ?? [])].sort());
  });
});

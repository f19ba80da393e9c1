import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Plane, startPlane } from '../../support/plane.ts';
import { objectsIn, renderedFiles } from '../../support/rendered.ts';

const objects = objectsIn(renderedFiles('luban-ci'));

/** Who is asked about: an account as `namespace/name`, or a group. */
const everybody = [
  'luban-ci/sensor',
  'luban-ci/dispatcher',
  'luban-ci/event-source',
  'luban-ci/builder',
  'ci-payments/workflow-runner',
  'ci-payments/project-developer',
  'snd-data/dagster',
  'group payments-developers',
  'group payments-admins',
] as const;

/** `verb resource[.group][/subresource] namespace`, and who may; nobody else. */
const table: ReadonlyArray<readonly [string, ReadonlyArray<(typeof everybody)[number]>]> = [
  ['create workflows.argoproj.io luban-ci', ['luban-ci/sensor']],
  [
    'create workflows.argoproj.io ci-payments',
    ['luban-ci/dispatcher', 'ci-payments/project-developer', 'group payments-developers', 'group payments-admins'],
  ],
  ['create workflows.argoproj.io ci-data', ['luban-ci/dispatcher']],
  ['delete workflows.argoproj.io ci-payments', ['group payments-admins']],
  ['patch images.kpack.io ci-payments', ['ci-payments/workflow-runner']],
  ['patch images.kpack.io ci-data', []],
  ['create images.kpack.io ci-payments', []],
  ['patch clusterbuilders.kpack.io *', []],
  [
    'get pods/log ci-payments',
    [
      'ci-payments/workflow-runner',
      'ci-payments/project-developer',
      'group payments-developers',
      'group payments-admins',
    ],
  ],
  ['get secrets ci-payments', []],
  ['list secrets luban-ci', []],
  ['get pods snd-payments', ['group payments-developers', 'group payments-admins']],
  ['get pods snd-data', ['snd-data/dagster']],
  ['patch deployments.apps snd-payments', ['group payments-admins']],
  ['delete deployments.apps prd-payments', []],
  ['create pods prd-payments', []],
  ['create jobs.batch snd-data', ['snd-data/dagster']],
  ['create jobs.batch prd-data', []],
  ['patch applications.argoproj.io argocd', []],
  ['patch workflowtemplates.argoproj.io ci-payments', []],
  ['patch resourcequotas snd-payments', []],
  ['create rolebindings.rbac.authorization.k8s.io ci-payments', []],
];

let plane: Plane;
beforeAll(async () => {
  plane = await startPlane({ controllers: false });
  const namespaces = new Set(objects.flatMap((object) => object.metadata.namespace ?? []));
  await plane.apply([...namespaces].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
  await plane.apply(
    objects.filter(
      ({ apiVersion, kind }) => apiVersion === 'rbac.authorization.k8s.io/v1' || kind === 'ServiceAccount',
    ),
  );
});
afterAll(() => plane?.stop());

async function may(who: (typeof everybody)[number], ask: string): Promise<boolean> {
  const [verb, what = '', namespace] = ask.split(' ');
  const [resourceAndGroup = '', subresource] = what.split('/');
  const [resource, ...group] = resourceAndGroup.split('.');
  const subject = who.startsWith('group ')
    ? { user: 'somebody', groups: [who.slice('group '.length), 'system:authenticated'] }
    : { user: `system:serviceaccount:${who.replace('/', ':')}`, groups: ['system:serviceaccounts'] };
  const { status, body } = await plane.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      ...subject,
      resourceAttributes: {
        verb,
        group: group.join('.'),
        resource,
        subresource,
        namespace: namespace === '*' ? undefined : namespace,
      },
    },
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.status.allowed === true;
}

describe('who may what, by the API server itself', () => {
  test.each(table)('%s: %j and nobody else', async (ask, allowed) => {
    const found = [];
    for (const who of everybody) if (await may(who, ask)) found.push(who);
    expect(found.sort()).toEqual([...allowed].sort());
  });
});

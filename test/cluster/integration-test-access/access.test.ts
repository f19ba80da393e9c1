import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { userName } from '../../../constructs/integration-test-access/index.ts';
import openSandbox from '../../../constructs/integration-test-access/open-sandbox.sh';
import sweep from '../../../constructs/integration-test-access/sweep.sh';
import { sample, sampleOutput } from '../../support/inttest-sample.ts';
import { type Answer, type Caller, type Plane, startPlane } from '../../support/plane.ts';
import { run, until } from '../../support/processes.ts';
import { objectsIn } from '../../support/rendered.ts';
import { environmentWithTools } from '../../support/tools.ts';

const agent = userName(sample.agent);
const step = userName(sample.step);
const { files, access } = sampleOutput();

let plane: Plane;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'inttest-access-'));
  plane = await startPlane();
  const objects = objectsIn(files);
  await plane.apply(objects);
  await plane.apply(objects);
  // The API server takes policies up a moment later: the last of them is in force when this is refused.
  await until('the policies are in force', async () => {
    const answers = await Promise.all([
      create('/api/v1/namespaces', namespace('elsewhere'), step),
      create('/api/v1/namespaces/woodpecker-steps/pods', stepPod('probe', {}, { serviceAccountName: 'other' }), agent),
      create(
        '/api/v1/namespaces/default/configmaps',
        configMap('probe'),
        'system:serviceaccount:woodpecker:woodpecker-agent',
        ['system:masters'],
      ),
      create('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', binding('view'), step, [
        'system:masters',
      ]),
    ]);
    const refusers = [
      'woodpecker-inttest-namespaces',
      'woodpecker-steps',
      'woodpecker-inttest-writes',
      'woodpecker-inttest-',
    ];
    return answers.every((answer, index) => refusal(answer).includes(refusers[index]!)) ? true : undefined;
  });
});
afterAll(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function create(target: string, body: unknown, as: string, groups?: readonly string[]): Promise<Answer> {
  const [namespaceName = ''] = /system:serviceaccount:([^:]+)/.exec(as)?.slice(1) ?? [];
  const caller: Caller = {
    as,
    groups: groups ?? ['system:serviceaccounts', `system:serviceaccounts:${namespaceName}`, 'system:authenticated'],
  };
  return plane.request('POST', `${target}?dryRun=All`, body, caller);
}

function refusal(answer: Answer): string {
  return answer.status === 403 || answer.status === 422 ? String(answer.body.message) : `not refused: ${answer.status}`;
}

function namespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

const sandboxLabels = { [sample.sandbox.label]: 'true', 'pod-security.kubernetes.io/enforce': 'baseline' };

function configMap(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: {} };
}

function binding(clusterRole: string, subject = sample.step) {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'sandbox' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterRole },
    subjects: [{ kind: 'ServiceAccount', ...subject }],
  };
}

const rightLabels = {
  'woodpecker-ci.org/repo-full-name': 'demo-demo-app',
  'woodpecker-ci.org/repo-name': 'demo-app',
  'woodpecker-ci.org/commit-branch': 'main',
  'woodpecker-ci.org/event': 'push',
  'woodpecker-ci.org/step': 'integration-test',
};

function stepPod(name: string, labels: Readonly<Record<string, string>>, spec: Readonly<Record<string, unknown>> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { restartPolicy: 'Never', containers: [{ name: 'step', image: 'example.org/tools:1' }], ...spec },
  };
}

const stepsPods = '/api/v1/namespaces/woodpecker-steps/pods';

describe('what RBAC says', () => {
  const inSteps = 'woodpecker-steps';
  // verb, resource, namespace ("" is cluster-wide), agent, step
  test.each([
    ['create', 'namespaces', '', true, true],
    ['delete', 'namespaces', '', true, true],
    ['get', 'namespaces', '', true, true],
    ['list', 'namespaces', '', false, false],
    ['patch', 'namespaces', '', false, false],
    ['create', 'rolebindings.rbac.authorization.k8s.io', 'demo-inttest-1', true, true],
    ['create', 'clusterrolebindings.rbac.authorization.k8s.io', '', false, false],
    ['escalate', 'clusterroles.rbac.authorization.k8s.io', '', false, false],
    ['impersonate', 'serviceaccounts', '', false, false],
    ['create', 'pods', inSteps, true, false],
    ['delete', 'pods', inSteps, true, false],
    ['get', 'pods/log', inSteps, true, false],
    ['update', 'pods', inSteps, false, false],
    ['create', 'pods/exec', inSteps, false, false],
    ['get', 'secrets', inSteps, false, false],
    ['list', 'secrets', inSteps, false, false],
    ['create', 'secrets', inSteps, true, false],
    ['create', 'serviceaccounts/token', inSteps, false, false],
    ['get', 'secrets', 'woodpecker', false, false],
    ['create', 'pods', 'woodpecker', false, false],
    ['list', 'pods', '', false, false],
    ['create', 'deployments.apps', 'default', false, false],
    ['get', 'secrets', 'kube-system', false, false],
    ['get', 'nodes', '', false, false],
  ] as const)('%s %s in "%s": agent %s, step %s', async (verb, resource, where, agentMay, stepMay) => {
    expect(await mayI(agent, verb, resource, where)).toBe(agentMay);
    expect(await mayI(step, verb, resource, where)).toBe(stepMay);
  });

  async function mayI(user: string, verb: string, resource: string, where: string): Promise<boolean> {
    const [name = '', group = ''] = /^([^.]+)\.?(.*)$/.exec(resource)?.slice(1) ?? [];
    const [plural, subresource] = name.split('/');
    const { body } = await plane.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, resourceAttributes: { verb, group, resource: plural, subresource, namespace: where } },
    });
    return body.status.allowed;
  }
});

describe.each([
  ['agent', agent],
  ['step', step],
])('the account of the %s', (_, user) => {
  test('makes a sandbox, and only with its prefix, its label and a Pod Security level', async () => {
    const make = (body: unknown) => create('/api/v1/namespaces', body, user);
    expect((await make(namespace('demo-inttest-1', sandboxLabels))).status).toBe(201);
    expect(refusal(await make(namespace('production', sandboxLabels)))).toContain(
      'only namespaces named demo-inttest-*',
    );
    expect(refusal(await make(namespace('demo-inttest-1')))).toContain('demo.example.org/ephemeral=true');
    expect(refusal(await make(namespace('demo-inttest-1', { [sample.sandbox.label]: 'true' })))).toContain(
      'pod-security',
    );
    expect(
      refusal(
        await make(
          namespace('demo-inttest-1', { ...sandboxLabels, 'pod-security.kubernetes.io/enforce': 'privileged' }),
        ),
      ),
    ).toContain('baseline or restricted');
    expect(
      refusal(await make(namespace('demo-inttest-1', { ...sandboxLabels, 'kargo.akuity.io/project': 'true' }))),
    ).toContain('no labels but its own');
  });

  test('deletes a sandbox and no other namespace', async () => {
    await plane.apply([
      namespace('demo-inttest-kept', sandboxLabels),
      namespace('demo-inttest-unlabelled'),
      namespace('bystander', sandboxLabels),
    ] as KubernetesObject[]);
    const remove = (name: string) =>
      plane.request('DELETE', `/api/v1/namespaces/${name}?dryRun=All`, undefined, { as: user });
    expect((await remove('demo-inttest-kept')).status).toBe(200);
    expect(refusal(await remove('demo-inttest-unlabelled'))).toContain('demo.example.org/ephemeral=true');
    expect(refusal(await remove('bystander'))).toContain('only namespaces named');
    expect(refusal(await remove('woodpecker'))).toContain('only namespaces named');
  });

  test('binds the sandbox role to the test accounts inside a sandbox, and nothing else anywhere', async () => {
    await plane.apply([namespace('demo-inttest-bind', sandboxLabels)] as KubernetesObject[]);
    const bind = (where: string, body: unknown, groups?: readonly string[]) =>
      create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${where}/rolebindings`, body, user, groups);
    expect((await bind('demo-inttest-bind', binding(access.sandboxRole))).status).toBe(201);
    expect(refusal(await bind('demo-inttest-bind', binding('cluster-admin')))).toContain('not currently held');
    expect(refusal(await bind('demo-inttest-bind', binding('cluster-admin'), ['system:masters']))).toContain(
      'may bind only',
    );
    expect(
      refusal(await bind('demo-inttest-bind', binding(access.sandboxRole, { namespace: 'default', name: 'default' }))),
    ).toContain('only to the accounts of the integration test');
    expect(refusal(await bind('default', binding(access.sandboxRole)))).toContain('only in sandboxes');
  });

  test('writes in no other namespace even if it gets the rights by mistake', async () => {
    const groups = ['system:masters'];
    const write = (where: string) => create(`/api/v1/namespaces/${where}/configmaps`, configMap('x'), user, groups);
    await plane.apply([namespace('demo-inttest-write', sandboxLabels)] as KubernetesObject[]);
    expect((await write('demo-inttest-write')).status).toBe(201);
    expect(refusal(await write('default'))).toContain('only in sandboxes, not in default');
    expect(refusal(await write('woodpecker'))).toContain('only in sandboxes');
    const clusterWide = await create(
      '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'x' }, rules: [] },
      user,
      groups,
    );
    expect(refusal(clusterWide)).toContain('not in the cluster');
  });
});

describe('who may run as the account of the integration test', () => {
  const asStep = { serviceAccountName: sample.step.name };
  const run = (labels: Readonly<Record<string, string>>, spec: Readonly<Record<string, unknown>> = asStep) =>
    create(stepsPods, stepPod('wp-1', labels, spec), agent);

  test('the integration-test step of a push to main of that repository', async () => {
    expect((await run(rightLabels)).status).toBe(201);
    expect((await run({ ...rightLabels, 'woodpecker-ci.org/event': 'manual' })).status).toBe(201);
  });

  test.each([
    ['another step', { 'woodpecker-ci.org/step': 'pytest' }],
    ['another repository', { 'woodpecker-ci.org/repo-full-name': 'somebody-demo-app' }],
    ['a repository whose full name only looks alike', { 'woodpecker-ci.org/repo-name': 'app' }],
    ['a pull request', { 'woodpecker-ci.org/event': 'pull_request' }],
    ['another branch', { 'woodpecker-ci.org/commit-branch': 'feature' }],
  ])('not %s', async (_, labels) => {
    expect(refusal(await run({ ...rightLabels, ...labels }))).toContain(
      'may not run as service account woodpecker-inttest',
    );
  });

  test('not a pod without labels, and nobody as an account that is not listed', async () => {
    expect(refusal(await run({}))).toContain('may not run as');
    expect(refusal(await run(rightLabels, { serviceAccountName: 'woodpecker-agent' }))).toContain('woodpecker-agent');
  });

  test('not in another namespace', async () => {
    const answer = await create('/api/v1/namespaces/woodpecker/pods', stepPod('wp-1', rightLabels, asStep), agent);
    expect(answer.status).toBe(403);
  });
});

describe('what a step pod may not be', () => {
  const start = (spec: Readonly<Record<string, unknown>>) =>
    create(stepsPods, stepPod('wp-1', rightLabels, spec), agent);
  const privileged = (image: string) => ({
    containers: [{ name: 'step', image, securityContext: { privileged: true } }],
  });

  test('privileged, unless it is the build plugin at its pinned tag', async () => {
    expect((await start(privileged('woodpeckerci/plugin-docker-buildx:6.1.1'))).status).toBe(201);
    expect((await start(privileged('docker.io/woodpeckerci/plugin-docker-buildx:6.1.1'))).status).toBe(201);
    expect(refusal(await start(privileged('woodpeckerci/plugin-docker-buildx:6.1.0')))).toContain('privileged');
    expect(refusal(await start(privileged('example.org/tools:1')))).toContain('privileged');
  });

  test("on the node's network or files", async () => {
    expect(refusal(await start({ hostNetwork: true }))).toContain('of the node');
    expect(refusal(await start({ hostPID: true }))).toContain('of the node');
    expect(refusal(await start({ volumes: [{ name: 'host', hostPath: { path: '/' } }] }))).toContain('of the node');
  });

  test("a reader of another pipeline's Secrets", async () => {
    const mounting = (secretName: string) => start({ volumes: [{ name: 's', secret: { secretName } }] });
    expect((await mounting('shared-ca')).status).toBe(201);
    expect(refusal(await mounting('wp-2-step-secret'))).toContain('may mount only');
    const reading = (name: string) =>
      start({
        containers: [
          {
            name: 'step',
            image: 'example.org/tools:1',
            env: [{ name: 'A', valueFrom: { secretKeyRef: { name, key: 'a' } } }],
          },
        ],
      });
    expect((await reading('wp-1-step-secret')).status).toBe(201);
    expect(refusal(await reading('wp-2-step-secret'))).toContain('may read only');
    const whole = start({
      containers: [
        { name: 'step', image: 'example.org/tools:1', envFrom: [{ secretRef: { name: 'wp-2-step-secret' } }] },
      ],
    });
    expect(refusal(await whole)).toContain('may read only');
  });
});

test('a test with the real account opens a sandbox, deploys in it and deletes it', async () => {
  const kubeconfig = await kubeconfigOf(sample.step);
  const script = path.join(folder, 'open-sandbox.sh');
  writeFileSync(script, openSandbox);
  const env = environmentWithTools({ KUBECONFIG: kubeconfig, ...access.sandboxEnvironment });
  for (let time = 1; time <= 2; time++) {
    const opened = await run('bash', [script, 'demo-inttest-run-7'], { env });
    expect(opened).toMatchObject({ code: 0, stdout: 'demo-inttest-run-7\n' });
  }
  const kubectl = (args: readonly string[], input?: string) => run('kubectl', args, { env, input });
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'example.org/web:1' }] },
      },
    },
  };
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };
  await until('the new rights are in force', async () => {
    const applied = await kubectl(
      ['apply', '-n', 'demo-inttest-run-7', '-f', '-'],
      [deployment, service, configMap('web')].map((object) => JSON.stringify(object)).join('\n---\n'),
    );
    return applied.code === 0 ? true : undefined;
  });
  expect((await kubectl(['delete', 'namespace', 'demo-inttest-run-7', '--wait=false'])).code).toBe(0);
  expect((await run('bash', [script, 'production-copy'], { env })).stderr).toContain(
    'only namespaces named demo-inttest-*',
  );
});

test('the sweeper removes what is too old, with its own rights, and leaves the rest', async () => {
  const kubeconfig = await kubeconfigOf(sample.sweeper);
  const claim = (name: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'woodpecker-steps' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local-path',
      resources: { requests: { storage: '1Gi' } },
    },
  });
  const secret = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'woodpecker-steps' },
  });
  const pod = stepPod('wp-left', {});
  await plane.apply([
    namespace('demo-inttest-left', sandboxLabels),
    namespace('bystander-2', sandboxLabels),
    claim('wp-left-0-default'),
    claim('registry-cache'),
    secret('wp-left-step-secret'),
    secret('shared-ca'),
    { ...pod, metadata: { ...pod.metadata, namespace: 'woodpecker-steps' } },
  ] as KubernetesObject[]);
  const script = path.join(folder, 'sweep.sh');
  writeFileSync(script, sweep);
  const environment = (minutes: string) =>
    environmentWithTools({
      KUBECONFIG: kubeconfig,
      SANDBOX_PREFIX: sample.sandbox.prefix,
      SANDBOX_LABEL: `${sample.sandbox.label}=true`,
      STEPS_NAMESPACE: 'woodpecker-steps',
      MAXIMUM_AGE_MINUTES: minutes,
    });

  expect(await run('bash', [script], { env: environment('60') })).toMatchObject({ code: 0, stdout: '' });
  // Times of creation have whole seconds: an age of "more than 0 minutes" is reached within two.
  await until('the sweeper removed the sandbox', async () => {
    const swept = await run('bash', [script], { env: environment('0') });
    expect(swept).toMatchObject({ code: 0 });
    const { status, body } = await plane.request('GET', '/api/v1/namespaces/demo-inttest-left');
    return status === 404 || body.metadata.deletionTimestamp ? true : undefined;
  });
  const left = async (resource: string) =>
    (await plane.request('GET', `/api/v1/namespaces/woodpecker-steps/${resource}`)).body.items
      .filter((item: KubernetesObject) => !item.metadata['deletionTimestamp' as never])
      .map((item: KubernetesObject) => item.metadata.name);
  expect(await left('persistentvolumeclaims')).toEqual(['registry-cache']);
  expect(await left('secrets')).toEqual(['shared-ca']);
  expect(await left('pods')).toEqual([]);
  expect(
    (await plane.request('GET', '/api/v1/namespaces/bystander-2')).body.metadata.deletionTimestamp,
  ).toBeUndefined();
});

/** A kubeconfig with a real token of a service account. */
async function kubeconfigOf(account: { readonly namespace: string; readonly name: string }): Promise<string> {
  const { body } = await plane.request(
    'POST',
    `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  );
  const file = path.join(folder, `${account.name}.kubeconfig`);
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'plane', cluster: { server: plane.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'account', user: { token: body.status.token } }],
      contexts: [{ name: 'plane', context: { cluster: 'plane', user: 'account' } }],
      'current-context': 'plane',
    }),
    { mode: 0o600 },
  );
  return file;
}

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { fromPods } from '../../../constructs/network/index.ts';
import { AuditRecorder } from '../../../constructs/recorder/index.ts';
import { type Plane, startPlane } from '../../support/plane.ts';
import { until } from '../../support/processes.ts';
import { freight, promotion } from '../../unit/recorder/objects.ts';
import { RecorderProgram } from './program.ts';

const project = 'stonks-pipeline';
const account = 'system:serviceaccount:kargo:audit-recorder';
const kargo = (plural: string, name = '', sub = '') =>
  `/apis/kargo.akuity.io/v1alpha1/namespaces/${project}/${plural}${name ? `/${name}` : ''}${sub ? `/${sub}` : ''}`;

let plane: Plane;
let program: RecorderProgram | undefined;
beforeAll(async () => {
  plane = await startPlane({ crds: ['kargo'], controllers: false });
  for (const name of ['kargo', project]) await ok('POST', '/api/v1/namespaces', { metadata: { name } }, 201);
  const output = new SystemOutput('test');
  new AuditRecorder(output.chart('recorder', { namespace: 'kargo' }), 'Recorder', {
    image: { repository: 'node', tag: '20' },
    program: 'placeholder',
    project,
    claimName: 'kargo-state',
    readers: [fromPods({ 'app.kubernetes.io/name': 'promotion-desk' })],
  });
  await plane.apply(output.files()[0]!.objects);
});
afterAll(async () => {
  await program?.end();
  await plane?.stop();
});

async function ok(
  method: string,
  target: string,
  body?: unknown,
  status = 200,
): Promise<{ metadata: { resourceVersion: string }; status: { token: string } }> {
  const answer = await plane.request(method, target, body);
  if (answer.status !== status) throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function make(plural: string, kind: string, object: object): Promise<void> {
  const full = { apiVersion: 'kargo.akuity.io/v1alpha1', kind, ...object };
  await ok('POST', kargo(plural), full, 201);
}

/** Moves a promotion to a phase, as Kargo's controller does. */
async function move(name: string, phase: string): Promise<void> {
  const present = await ok('GET', kargo('promotions', name));
  const { status } = promotion(name, phase);
  await ok('PUT', kargo('promotions', name, 'status'), { ...present, status });
}

describe('the recorder on a real API server, with the rights that it is given', () => {
  it('records stages, policies and the life of a promotion', async () => {
    const { status } = await ok(
      'POST',
      '/api/v1/namespaces/kargo/serviceaccounts/audit-recorder/token',
      { spec: { expirationSeconds: 3600 } },
      201,
    );
    program = await RecorderProgram.make({
      lease: { namespace: 'kargo' },
      gateSelector: 'app.kubernetes.io/component=gate',
    });
    const file = path.join(program.folder, 'kubeconfig');
    writeFileSync(
      file,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'plane', cluster: { server: plane.url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'recorder', user: { token: status.token } }],
        contexts: [{ name: 'plane', context: { cluster: 'plane', user: 'recorder' } }],
        'current-context': 'plane',
      }),
    );
    await make('stages', 'Stage', {
      metadata: { name: 'paper', namespace: project },
      spec: { requestedFreight: [{ origin: { kind: 'Warehouse', name: 'w' }, sources: { stages: ['beta'] } }] },
    });
    await make('freights', 'Freight', { ...freight('f1'), origin: { kind: 'Warehouse', name: 'w' } });
    await make('promotions', 'Promotion', {
      ...promotion('before', 'Pending', {
        annotations: { 'pipelines.celestium.life/note': 'written before the recorder ran' },
      }),
      status: undefined,
      spec: { stage: 'paper', freight: 'f1', steps: [{ uses: 'fail' }] },
    });
    await move('before', 'Succeeded');
    await ok(
      'POST',
      '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
      {
        metadata: { name: 'gate-test', labels: { 'app.kubernetes.io/component': 'gate' } },
        spec: {
          matchConstraints: {
            resourceRules: [{ apiGroups: ['test'], apiVersions: ['*'], operations: ['CREATE'], resources: ['tests'] }],
          },
          validations: [{ expression: 'true' }],
        },
      },
      201,
    );

    program.start([], { KUBECONFIG: file });
    const health = async () =>
      (await fetch(`${program!.url}/healthz`)).json() as Promise<{ healthy: boolean; problems: string[] }>;
    await until('the recorder is well', async () => ((await health()).healthy ? true : undefined));
    const types = () => program!.records().map((record) => record.type);
    await until('the past is recorded', async () => (types().includes('promotion-finished') ? true : undefined));
    await make('promotions', 'Promotion', {
      ...promotion('after', 'Pending'),
      status: undefined,
      spec: { stage: 'paper', freight: 'f1', steps: [{ uses: 'fail' }] },
    });
    for (const phase of ['Running', 'Failed']) await move('after', phase);
    await until('the present is recorded', async () =>
      types().filter((type) => type === 'promotion-finished').length === 2 ? true : undefined,
    );

    const records = program.records();
    expect(
      records.filter((record) => 'promotion' in record && record.promotion === 'after').map((record) => record.type),
    ).toEqual(['promotion-created', 'promotion-started', 'promotion-finished']);
    expect(records.find((record) => record.key.endsWith('/before/created'))).toMatchObject({
      note: 'written before the recorder ran',
      sourceStages: ['beta'],
      stage: 'paper',
    });
    // Stages and policies are two watches: either may be the first to tell.
    const definitions = records.filter((record) => record.type === 'definition-changed');
    expect([...definitions].sort((a, b) => (a.kind < b.kind ? -1 : 1))).toMatchObject([
      { kind: 'Stage', name: 'paper' },
      { kind: 'ValidatingAdmissionPolicy', name: 'gate-test' },
    ]);
    expect(program.output).toContain('"message":"this recorder writes"');
    expect(program.output).not.toContain(status.token);
    const lease = await plane.request('GET', '/apis/coordination.k8s.io/v1/namespaces/kargo/leases/audit-recorder');
    expect(lease.body.spec.holderIdentity).toBe('audit-recorder-0');
  });

  it.each([
    ['create', 'kargo.akuity.io', 'promotions', project],
    ['patch', 'kargo.akuity.io', 'promotions', project],
    ['update', 'kargo.akuity.io', 'stages', project],
    ['delete', 'kargo.akuity.io', 'freights', project],
    ['update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies', ''],
    ['get', '', 'secrets', project],
    ['list', '', 'secrets', 'kargo'],
    ['list', 'kargo.akuity.io', 'promotions', 'kargo'],
    ['delete', 'coordination.k8s.io', 'leases', 'kargo'],
  ])('has no right to %s %s/%s', async (verb, group, resource, namespace) => {
    const review = await plane.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: account,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kargo', 'system:authenticated'],
        resourceAttributes: { verb, group, resource, namespace },
      },
    });
    expect(review.status).toBe(201);
    expect(review.body.status.allowed).toBe(false);
  });
});

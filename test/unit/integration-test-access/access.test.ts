import { describe, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import {
  deployRules,
  helmRules,
  IntegrationTestAccess,
  type IntegrationTestAccessProps,
  Sweeper,
  seedRules,
} from '../../../constructs/integration-test-access/index.ts';
import { sample, sampleOutput } from '../../support/inttest-sample.ts';
import { podSpecsOf, referencesOf } from '../../support/references.ts';
import { objectNamed, objectsIn } from '../../support/rendered.ts';

const { files } = sampleOutput();

function access(change: Partial<IntegrationTestAccessProps> = {}) {
  const output = new SystemOutput('demo');
  new IntegrationTestAccess(output.chart('rights'), 'Rights', {
    sandbox: sample.sandbox,
    agent: sample.agent,
    step: sample.step,
    ...change,
  });
  return output.files();
}

describe('the rights of integration tests', () => {
  test('a ClusterRoleBinding gives agents and step the making and deleting of namespaces', () => {
    expect(objectNamed(files, 'ClusterRoleBinding', 'woodpecker-inttest')).toMatchObject({
      roleRef: { kind: 'ClusterRole', name: 'woodpecker-inttest' },
      subjects: [
        { kind: 'ServiceAccount', namespace: 'woodpecker', name: 'woodpecker-agent' },
        { kind: 'ServiceAccount', namespace: 'woodpecker-steps', name: 'woodpecker-inttest' },
      ],
    });
    expect(objectNamed(files, 'ClusterRole', 'woodpecker-inttest')['rules']).toEqual([
      { apiGroups: [''], resources: ['namespaces'], verbs: ['create', 'delete', 'get'] },
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create'] },
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
        resourceNames: ['woodpecker-inttest-sandbox'],
        verbs: ['bind'],
      },
    ]);
  });

  test('inside a sandbox they make Deployments, Services and ConfigMaps', () => {
    const rules = objectNamed(files, 'ClusterRole', 'woodpecker-inttest-sandbox')['rules'] as Array<{
      resources: string[];
      verbs: string[];
    }>;
    for (const resource of ['deployments', 'services', 'configmaps']) {
      expect(rules.find((rule) => rule.resources.includes(resource))?.verbs).toContain('create');
    }
  });

  test('no rule has a wildcard, and one that has is refused', () => {
    for (const object of objectsIn(files).filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')) {
      expect(JSON.stringify(object['rules'])).not.toContain('*');
    }
    for (const rule of [...deployRules, ...helmRules, ...seedRules]) expect(JSON.stringify(rule)).not.toContain('*');
    expect(() => access({ sandboxRules: [{ apiGroup: '', resources: ['*'], verbs: ['get'] }] })).toThrow(/wildcard/);
  });

  test('a prefix or label that would match other namespaces is refused', () => {
    for (const prefix of ['', '-', 'a-', 'stonks', 'Stonks-']) {
      expect(() => access({ sandbox: { ...sample.sandbox, prefix } })).toThrow(/no beginning of a namespace's name/);
    }
    expect(() => access({ sandbox: { ...sample.sandbox, label: 'ephemeral' } })).toThrow(/has no domain/);
  });

  test('every policy fails closed and is bound with denial', () => {
    const policies = objectsIn(files).filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
    const bindings = objectsIn(files).filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding');
    expect(policies.map(({ metadata }) => metadata.name).sort()).toEqual([
      'woodpecker-inttest-bindings',
      'woodpecker-inttest-namespaces',
      'woodpecker-inttest-writes',
      'woodpecker-steps',
    ]);
    expect(bindings.map(({ metadata }) => metadata.name).sort()).toEqual(
      policies.map(({ metadata }) => metadata.name).sort(),
    );
    for (const policy of policies) expect(policy.spec).toMatchObject({ failurePolicy: 'Fail' });
    for (const binding of bindings) expect(binding.spec).toMatchObject({ validationActions: ['Deny', 'Audit'] });
  });
});

describe('the sweeper', () => {
  test('runs hourly and restricted, as an account that may only list and delete', () => {
    const cron = objectNamed(files, 'CronJob', 'woodpecker-sweeper', 'woodpecker');
    expect(cron.spec).toMatchObject({ schedule: '23 * * * *', concurrencyPolicy: 'Forbid' });
    const [pod] = podSpecsOf(cron);
    expect(pod).toMatchObject({
      serviceAccountName: 'woodpecker-sweeper',
      securityContext: { runAsNonRoot: true },
      containers: [{ securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } } }],
    });
    const verbs = objectsIn(files)
      .filter(({ kind, metadata }) => metadata.name === 'woodpecker-sweeper' && /Role$/.test(kind))
      .flatMap((role) => (role['rules'] as Array<{ verbs: string[] }>).flatMap((rule) => rule.verbs));
    expect([...new Set(verbs)].sort()).toEqual(['delete', 'list']);
  });

  test('never lives where a pipeline could name its account', () => {
    const output = new SystemOutput('demo');
    expect(
      () =>
        new Sweeper(output.chart('sweeper', { namespace: 'woodpecker-steps' }), 'Sweeper', {
          sandbox: sample.sandbox,
          account: { namespace: 'woodpecker-steps', name: 'sweeper' },
          stepsNamespace: 'woodpecker-steps',
          image: { repository: 'docker.io/alpine/k8s', tag: '1.34.1' },
        }),
    ).toThrow(/a pipeline could name/);
  });
});

test('everything that is named is made', () => {
  const made = new Set(objectsIn(files).map((object) => `${object.kind}/${object.metadata.name}`));
  const missing = objectsIn(files)
    .flatMap(referencesOf)
    .map((reference) => `${reference.kind}/${reference.name}`)
    .filter((name) => !made.has(name));
  expect([...new Set(missing)]).toEqual(['Secret/woodpecker-internal']);
});

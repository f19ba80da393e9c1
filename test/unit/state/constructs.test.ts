import { describe, expect, test } from 'vitest';
import { type KubernetesObject, SystemOutput } from '../../../constructs/core/index.ts';
import { type ComponentStateProps, StateJobs, StateSchedule, stateKeySecret } from '../../../constructs/state/index.ts';
import type { SecretRef } from '../../../model/secret-ref.ts';

const git: SecretRef = {
  namespace: 'kargo',
  name: 'git-read',
  keys: ['username', 'password'],
  provenance: 'forge-setup',
  purpose: 'reads',
};
const kargoProps: ComponentStateProps = {
  system: 'stonks-oracle',
  part: 'kargo',
  program: 'console.log(1)',
  image: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm' },
  claimName: 'kargo-state',
  uid: 1000,
  key: stateKeySecret('kargo'),
  kargo: { project: 'stonks-pipeline', stages: ['ci', 'beta', 'paper', 'live'] },
  repositories: [{ name: 'pipelines', url: 'http://forge/o/pipelines.git', credentials: git }],
  secrets: [{ ...git, namespace: 'stonks-pipeline', name: 'commit-status' }],
};

function schedule(props: ComponentStateProps = kargoProps, namespace = 'kargo'): KubernetesObject[] {
  const output = new SystemOutput('stonks-oracle');
  new StateSchedule(output.chart('gitops/platform/state', { namespace }), 'State', props);
  return output.files().flatMap(({ objects }) => objects);
}

function one(objects: readonly KubernetesObject[], kind: string, namespace?: string): Record<string, never> {
  const found = objects.filter(
    (object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace),
  );
  expect(found).toHaveLength(1);
  return found[0] as unknown as Record<string, never>;
}

describe('the schedule of snapshots', () => {
  test('runs the program on the volume of its part, as the user that owns it', () => {
    const objects = schedule();
    const cron = one(objects, 'CronJob') as unknown as {
      spec: {
        schedule: string;
        concurrencyPolicy: string;
        jobTemplate: { spec: { template: { spec: Record<string, never> } } };
      };
    };
    expect(cron.spec).toMatchObject({ schedule: '*/15 * * * *', concurrencyPolicy: 'Forbid' });
    const pod = cron.spec.jobTemplate.spec.template.spec;
    expect(pod).toMatchObject({
      serviceAccountName: 'state-snapshot',
      securityContext: { runAsNonRoot: true, runAsUser: 1000 },
      containers: [{ command: ['node', '/program/state.cjs', 'snapshot', '--settings', '/program/settings.json'] }],
    });
    expect(pod.volumes).toContainEqual({ name: 'state', persistentVolumeClaim: { claimName: 'kargo-state' } });
    const config = one(objects, 'ConfigMap') as unknown as { data: Record<string, string>; immutable: boolean };
    expect(config.immutable).toBe(true);
    expect(JSON.parse(config.data['settings.json'] ?? '')).toMatchObject({
      format: 'state-settings/1',
      part: 'kargo',
      folder: '/state',
      kargo: { project: 'stonks-pipeline', controllerNamespace: 'kargo', stages: ['ci', 'beta', 'paper', 'live'] },
      repositories: [{ name: 'pipelines', credentials: { passwordFile: '/run/secrets/git-read/password' } }],
      secrets: [{ namespace: 'stonks-pipeline', name: 'commit-status' }],
    });
  });

  test('may read what it saves and write nothing', () => {
    const roles = schedule().filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
    const rules = roles.flatMap(
      (role) =>
        (role as unknown as { rules: { verbs: string[]; resources: string[]; resourceNames?: string[] }[] }).rules,
    );
    expect(rules.length).toBeGreaterThan(3);
    for (const rule of rules) {
      expect(rule.verbs.every((verb) => ['get', 'list'].includes(verb))).toBe(true);
      if (rule.resources.includes('secrets'))
        expect(rule).toMatchObject({ verbs: ['get'], resourceNames: ['commit-status'] });
    }
  });

  test('each part has its own settings, and no other part', () => {
    const { kargo: _, ...rest } = kargoProps;
    expect(() => schedule(rest)).toThrow('give exactly the settings of that part, not none');
    expect(() => schedule({ ...kargoProps, argocd: { applications: [] } })).toThrow('not kargo and argocd');
    expect(() => schedule({ ...kargoProps, key: stateKeySecret('argocd') })).toThrow(
      'a pod reads Secrets of its own namespace',
    );
  });
});

describe('the Jobs of the scripts', () => {
  const stage: KubernetesObject = {
    apiVersion: 'kargo.akuity.io/v1alpha1',
    kind: 'Stage',
    metadata: { name: 'beta', namespace: 'stonks-pipeline' },
  };
  const other: KubernetesObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } };

  function jobs() {
    const output = new SystemOutput('stonks-oracle');
    const state = new StateJobs(output.chart('install/restore/program', { namespace: 'kargo' }), 'State', {
      ...kargoProps,
      desired: [stage, other],
    });
    const restore = state.restore(output.chart('install/restore/job', { namespace: 'kargo' }), 'Job');
    const probe = state.probe(output.chart('install/secrets/probe', { namespace: 'kargo' }), 'Job');
    const file = (path: string) => output.files().find((candidate) => candidate.path === path)?.objects ?? [];
    return { state, restore, probe, file, output };
  }

  test('each Job stands alone in its file, with a name that changes with what it does', () => {
    const { restore, probe, file, state } = jobs();
    expect(file('install/restore/job.yaml')).toHaveLength(1);
    expect(file('install/restore/job.yaml')[0]).toMatchObject({
      kind: 'Job',
      metadata: { name: restore.jobName, namespace: 'kargo' },
    });
    expect(restore.jobName).toMatch(/^state-restore-[0-9a-f]{10}$/);
    expect(probe.jobName).toMatch(/^state-probe-[0-9a-f]{10}$/);
    expect(state.restoreMark).toBe('kargo/pipelines-restore');
  });

  test('a restore gets the objects of its part from Git', () => {
    const { file } = jobs();
    const config = one(file('install/restore/program.yaml'), 'ConfigMap') as unknown as {
      data: Record<string, string>;
    };
    expect(JSON.parse(config.data['desired.json'] ?? '')).toEqual([stage]);
  });

  test('a restore may make what it restores, in the project alone, and looks at what could be in its way', () => {
    const { file } = jobs();
    const objects = file('install/restore/program.yaml');
    const inProject = one(objects, 'Role', 'stonks-pipeline') as unknown as {
      rules: { resources: string[]; verbs: string[] }[];
    };
    const creating = inProject.rules
      .filter(({ verbs }) => verbs.includes('create'))
      .flatMap(({ resources }) => resources);
    expect(creating).toEqual(expect.arrayContaining(['stages', 'promotions', 'freights', 'secrets']));
    expect(inProject.rules.flatMap(({ verbs }) => verbs)).not.toContain('delete');
    const cluster = one(objects, 'ClusterRole') as unknown as { rules: { resources: string[]; verbs: string[] }[] };
    const webhooks = cluster.rules.find(({ resources }) => resources.includes('mutatingwebhookconfigurations'));
    expect(webhooks?.verbs).toEqual(['list']);
  });

  test('the probe runs before any Secret exists, and without a token', () => {
    const { file } = jobs();
    const { spec } = file('install/secrets/probe.yaml')[0] as unknown as {
      spec: { template: { spec: { automountServiceAccountToken: boolean; volumes: object[] } } };
    };
    expect(spec.template.spec.automountServiceAccountToken).toBe(false);
    expect(JSON.stringify(spec.template.spec.volumes)).not.toContain('secret');
  });

  test('a Job waits for no Secret that it does without', () => {
    const { state, output } = jobs();
    const secretsOf = (path: string): object[] => {
      const job = output.files().find((file) => file.path === `${path}.yaml`)?.objects[0] as unknown as
        | { spec: { template: { spec: { volumes: { secret?: object }[] } } } }
        | undefined;
      return (job?.spec.template.spec.volumes ?? []).flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
    };
    state.restoreSecrets(output.chart('a', { namespace: 'kargo' }), 'Job');
    state.snapshot(output.chart('b', { namespace: 'kargo' }), 'Job');
    expect(secretsOf('a')).toEqual([{ secretName: 'state-key', defaultMode: 0o444, optional: true }]);
    expect(secretsOf('install/restore/job')).toEqual([{ secretName: 'state-key', defaultMode: 0o444 }]);
    expect(secretsOf('b')).toHaveLength(2);
  });

  test('a Job in a chart of another namespace is refused', () => {
    const { state, output } = jobs();
    expect(() => state.snapshot(output.chart('x', { namespace: 'argocd' }), 'Job')).toThrow('its chart is of argocd');
  });
});

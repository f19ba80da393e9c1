import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { decidePromotion, decideStart } from '../../model/gate/index.ts';
import { type GateClientSettings, gateClientSettings } from '../../model/gate-client/settings.ts';
import { part } from '../support/chart.ts';
import { planSteps } from '../support/plan.ts';
import { context, fileText, objectNamed, objectsIn, renderedFiles, systemNamed } from '../support/rendered.ts';

// What both Stonks Oracle systems promise alike.

const newYork = (local: string) => DateTime.fromISO(local, { zone: 'America/New_York' });
const closed = newYork('2026-11-23T12:00:00');
const open = newYork('2026-11-23T16:00:00');
const operator = 'email:operator@celestium.life';
const approver = 'email:approver@celestium.life';
const justification = 'orders are rejected since 13:20, rolling back';

function gateOf(text: string): GateClientSettings {
  return gateClientSettings.parse(JSON.parse(text));
}

describe.each(['stonks-oracle', 'stonks-oracle-arc'])('%s', (system) => {
  const files = renderedFiles(system);
  const objects = objectsIn(files);
  const gate = gateOf(fileText(files, 'gate.json'));
  const install = planSteps(fileText(files, 'install/plan.tsv'));
  const teardown = planSteps(fileText(files, 'teardown/plan.tsv'));

  const stage = (name: string) => {
    const found = gate.stages.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`no stage is called ${name}`);
    return found;
  };
  const rules = (name: string, request: Parameters<typeof decidePromotion>[1]) =>
    decidePromotion(stage(name), request).refusals.map(({ rule }) => rule);

  test('paper and live are closed from 09:30 until before 16:00, for persons and for automatic promotion', () => {
    const paper = (time: string) => rules('paper', { at: newYork(`2026-11-23T${time}`), actor: operator });
    expect(['09:29:59', '09:30:00', '15:59:59', '16:00:00'].map(paper)).toEqual([[], ['blocked'], ['blocked'], []]);
    expect(rules('paper', { at: closed })).toContain('blocked');
    expect(rules('live', { at: closed, actor: approver, note: 'release 12' })).toEqual(['blocked']);
    expect(rules('beta', { at: closed })).toEqual([]);
  });

  test('live takes an approver with a note', () => {
    expect(rules('live', { at: open, actor: approver, note: 'release 12' })).toEqual([]);
    expect(rules('live', { at: open, actor: approver })).toEqual(['note']);
    expect(rules('live', { at: open, actor: operator, note: 'release 12' })).toEqual(['approval']);
    expect(rules('live', { at: open })).not.toEqual([]);
  });

  test('break-glass passes the window once, by a named person with a justification, and starts within half an hour', () => {
    expect(rules('paper', { at: closed, actor: operator, breakGlass: justification })).toEqual([]);
    expect(rules('paper', { at: closed, actor: operator, breakGlass: 'urgent' })).toContain('break-glass');
    expect(rules('paper', { at: closed, actor: 'admin', breakGlass: justification })).not.toEqual([]);
    expect(rules('live', { at: closed, actor: operator, note: 'x', breakGlass: justification })).toContain(
      'break-glass',
    );
    const start = (minutes: number) =>
      decideStart(stage('paper'), { createdAt: closed, at: closed.plus({ minutes }), breakGlass: true }).allowed;
    expect([start(30), start(31)]).toEqual([true, false]);
    expect(rules('paper', { at: closed, actor: operator })).toEqual(['blocked']);
  });

  test('a stage that is switched off refuses promotions and says so; the next one bypasses it', () => {
    const off = systemNamed(system).render(context, (draft) => {
      const { stages } = draft as { stages: Record<string, { enabled: boolean }> };
      stages['paper'] = { ...stages['paper'], enabled: false };
      return draft;
    });
    const paper = gateOf(fileText(off, 'gate.json')).stages.find(({ name }) => name === 'paper');
    if (!paper) throw new Error('paper is not rendered any more');
    expect(decidePromotion(paper, { at: open, actor: operator }).refusals.map(({ rule }) => rule)).toEqual([
      'disabled',
    ]);
    expect(part(objectNamed(off, 'Stage', 'live'), 'spec', 'requestedFreight', 0, 'sources')).toEqual({
      stages: ['beta'],
    });
  });

  test('stages form one chain from the registry to live', () => {
    const names = gate.stages.map(({ name }) => name);
    const sources = names.map((name) =>
      part(objectNamed(files, 'Stage', name), 'spec', 'requestedFreight', 0, 'sources'),
    );
    expect(sources).toEqual([{ direct: true }, ...names.slice(0, -1).map((name) => ({ stages: [name] }))]);
    expect(names.slice(-3)).toEqual(['beta', 'paper', 'live']);
  });

  test('every policy of the gate is bound, denies, and fails closed; names are of this system', () => {
    const policies = objects.filter(
      (object) => object.kind === 'ValidatingAdmissionPolicy' && object.metadata.name.includes('-gate-'),
    );
    expect(policies.length).toBeGreaterThan(10);
    for (const policy of policies) {
      expect(policy.metadata.name.startsWith(`${system}-gate-`)).toBe(true);
      expect(part(policy, 'spec', 'failurePolicy')).toBe('Fail');
      const binding = objectNamed(files, 'ValidatingAdmissionPolicyBinding', policy.metadata.name);
      expect(part(binding, 'spec', 'validationActions')).toContain('Deny');
    }
  });

  test('promotions are written to a repository and branches that start no pipeline', () => {
    for (const name of ['beta', 'paper', 'live']) {
      const sources = part<ReadonlyArray<{ repoURL: string; targetRevision: string; ref?: string }>>(
        objectNamed(files, 'Application', `stonks-${name}`),
        'spec',
        'sources',
      );
      expect(sources[1]).toMatchObject({ targetRevision: `stage/${name}`, ref: 'promoted' });
      expect(sources[1]?.repoURL).not.toBe(sources[0]?.repoURL);
      expect(sources[0]?.targetRevision).toBe('main');
    }
  });

  test('no Application takes its workload with it, and the teardown deletes no volume and no workload', () => {
    const applications = objects.filter((object) => object.kind === 'Application');
    expect(applications.length).toBe(4);
    expect(applications.filter((object) => 'finalizers' in object.metadata)).toEqual([]);
    const deleted = teardown
      .filter(({ verb }) => verb === 'delete-namespaces')
      .flatMap(({ fields }) => fields['names']?.split(',') ?? []);
    expect(deleted.length).toBeGreaterThan(2);
    const kept = ['stonks-beta', 'stonks-paper', 'stonks-oracle', 'stonks-pipeline', 'git-server'];
    expect(deleted.filter((name) => kept.includes(name))).toEqual([]);
    expect(teardown.filter(({ fields }) => (fields['kinds'] ?? '').includes('persistentvolume'))).toEqual([]);
  });

  test('a rebuild restores before the gate and the webhooks exist, and promotes automatically last', () => {
    const at = (phase: string) => install.findIndex((step) => step.phase === phase);
    const order = ['kargo-base', 'restore', 'gate', 'kargo', 'root', 'project-config'].map(at);
    expect(order).not.toContain(-1);
    expect([...order].sort((a, b) => a - b)).toEqual(order);
    const restored = install.filter(({ phase }) => phase === 'restore').map(({ fields }) => fields['path']);
    expect(restored).toEqual(['install/state/kargo-restore.yaml', 'install/state/argocd-restore.yaml']);
    expect(
      install.filter(({ phase }) => phase === 'restore').every(({ fields }) => fields['when'] === 'kargo-not-whole'),
    ).toBe(true);
  });

  test('a last snapshot is taken before anything is removed, and what writes state is stopped before it', () => {
    const phases = [...new Set(teardown.map(({ phase }) => phase))];
    expect(phases.slice(0, 5)).toEqual(['preflight', 'quiet', 'snapshot', 'secrets', 'applications']);
  });

  test('the audit trail and the snapshots lie on the volume of Kargo', () => {
    for (const [kind, name] of [
      ['Deployment', 'audit-recorder'],
      ['CronJob', 'state-snapshot'],
    ] as const) {
      expect(JSON.stringify(objectNamed(files, kind, name, 'kargo'))).toContain('"claimName":"kargo-state"');
    }
  });

  test('people log in to Kargo one by one, and are named by their address', () => {
    const values = fileText(files, 'helm/kargo.yaml');
    expect(values).toContain('usernameClaim: email');
    expect(values).toMatch(/type: (gitea|github)/);
    for (const person of ['operator@celestium.life', 'approver@celestium.life']) expect(values).toContain(person);
  });
});

test('neither is installed over the other: each claims what both use', () => {
  const claims = (system: string) =>
    planSteps(fileText(renderedFiles(system), 'install/plan.tsv'))
      .find(({ verb }) => verb === 'claim')
      ?.fields['names']?.split(',') ?? [];
  const both = claims('stonks-oracle').filter((name) => claims('stonks-oracle-arc').includes(name));
  expect(both).toEqual([
    'namespace/argocd',
    'namespace/kargo',
    'namespace/stonks-pipeline',
    'persistentvolume/pipeline-argocd-pv',
    'persistentvolume/pipeline-kargo-pv',
  ]);
});

test('the local system restores the snapshots of its predecessor', () => {
  const settings = objectsIn(renderedFiles('stonks-oracle')).filter((object) =>
    JSON.stringify(object).includes('state-settings/1'),
  );
  const delivery = settings.filter((object) => ['argocd', 'kargo'].includes(object.metadata.namespace ?? ''));
  expect(delivery.length).toBe(4);
  for (const object of delivery) expect(JSON.stringify(object)).toMatch(/predecessors.*stonks-oracle-arc/);
});

import { Testing } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { type GateStage, refuseKargoPromotionWindows, ZoneProbe } from '../../../constructs/gate/index.ts';
import { SettingsError } from '../../../model/problems.ts';
import { exampleGate, gateObjects, newYork } from '../../support/gate/example.ts';

interface Policy {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy?: string;
    readonly policyName?: string;
    readonly validationActions?: readonly string[];
    readonly paramKind?: unknown;
    readonly matchConditions?: ReadonlyArray<{ readonly expression: string }>;
    readonly variables?: ReadonlyArray<{ readonly name: string; readonly expression: string }>;
    readonly validations?: ReadonlyArray<{
      readonly expression: string;
      readonly message?: string;
      readonly messageExpression?: string;
      readonly reason?: string;
    }>;
  };
}

function render(change: Partial<ReturnType<typeof exampleGate>> = {}): Policy[] {
  return gateObjects({ ...exampleGate(), ...change }) as unknown as Policy[];
}

const policies = (objects: Policy[]) => objects.filter((object) => object.kind === 'ValidatingAdmissionPolicy');
const named = (objects: Policy[], rule: string) => {
  const found = policies(objects).find((policy) => policy.metadata.name === `example-gate-${rule}`);
  if (found === undefined) throw new Error(rule);
  return found;
};

test('every policy fails closed, depends on no other object, and its binding denies and audits', () => {
  const objects = render();
  expect(policies(objects).length).toBe(15);
  for (const policy of policies(objects)) {
    expect(policy.spec.failurePolicy).toBe('Fail');
    expect(policy.spec.paramKind).toBeUndefined();
    const bindings = objects.filter((object) => object.spec.policyName === policy.metadata.name);
    expect(bindings.map((binding) => binding.spec.validationActions)).toEqual([['Deny', 'Audit']]);
  }
});

test('every refusal has a text of its own, says what to do, and is answered as Forbidden', () => {
  for (const policy of policies(render())) {
    for (const rule of policy.spec.validations ?? []) {
      expect(rule.message ?? rule.messageExpression).toBeTruthy();
      expect(rule.reason).toBe('Forbidden');
    }
  }
});

test('every policy lets the set-up pass, except the one for the reach of Kargo and the one for dashboards', () => {
  const without = policies(render())
    .filter((policy) => !policy.spec.matchConditions?.some((c) => c.expression.includes("!= 'pipelines-set-up'")))
    .map((policy) => policy.metadata.name);
  // These two match their own callers by name.
  expect(without).toEqual(['example-gate-reach', 'example-gate-workloads']);
});

test('the set of policies does not depend on the settings, so that none is left behind', () => {
  const names = (objects: Policy[]) => objects.map((object) => object.metadata.name);
  const bare = exampleGate().stages.map(({ name, promotion, namespace }) => ({
    name,
    promotion,
    namespace,
    enabled: true,
  }));
  expect(names(render({ stages: bare }))).toEqual(names(render()));
  expect(names(render({ stages: [] }))).toEqual(names(render()));
});

test('two systems in one cluster share no name', () => {
  const names = new Set(render().map((object) => `${object.kind}/${object.metadata.name}`));
  const others = render({ system: 'other', project: 'other-pipeline' });
  expect(others.filter((object) => names.has(`${object.kind}/${object.metadata.name}`))).toEqual([]);
});

test('two renderings are equal, whatever the time zone of the machine', () => {
  const before = process.env.TZ;
  try {
    process.env.TZ = 'Pacific/Auckland';
    const one = JSON.stringify(render({ clock: 'utc-arithmetic' }));
    process.env.TZ = 'America/Los_Angeles';
    expect(JSON.stringify(render({ clock: 'utc-arithmetic' }))).toBe(one);
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});

test('zone names or UTC arithmetic: one of them, in both policies that look at the clock', () => {
  for (const rule of ['create', 'start']) {
    const byName = JSON.stringify(named(render(), rule).spec.variables);
    const byArithmetic = JSON.stringify(named(render({ clock: 'utc-arithmetic' }), rule).spec.variables);
    expect(byName).toContain("getHours('America/New_York')");
    expect(byName).not.toContain('offsetMinutes');
    expect(byArithmetic).not.toContain("('America/New_York')");
    expect(byArithmetic).toContain('offsetMinutes');
  }
});

test('two different windows are two sets of variables, and each stage reads its own', () => {
  const stages = exampleGate().stages.map((stage) =>
    stage.name === 'paper' ? { ...stage, gate: { ...stage.gate, window: { ...newYork, from: '08:00' } } } : stage,
  );
  const { spec } = named(render({ stages }), 'create');
  expect(spec.variables?.filter((variable) => variable.name.startsWith('blocked')).map((v) => v.name)).toEqual([
    'blocked',
    'blocked2',
  ]);
  const live = spec.validations?.find((rule) => rule.messageExpression?.includes('blocked: live'));
  expect(live?.expression).toContain('variables.blocked2');
  expect(live?.messageExpression).toContain('variables.left2');
});

test('the clock of a start is the time that the API server stamped, and never startedAt', () => {
  const { spec } = named(render(), 'start');
  const now = spec.variables?.find((variable) => variable.name === 'now')?.expression;
  expect(now).toContain('variables.owners[0].time');
  expect(JSON.stringify(spec.variables)).not.toContain('startedAt');
});

describe('refused at synth', () => {
  const problems = (change: Partial<ReturnType<typeof exampleGate>>): string => {
    try {
      render(change);
    } catch (error) {
      if (error instanceof SettingsError) return error.message;
      throw error;
    }
    return '';
  };
  const withLive = (change: Partial<GateStage>) =>
    exampleGate().stages.map((stage) => (stage.name === 'live' ? { ...stage, ...change } : stage));

  test('a project in the namespace of a workload', () => {
    expect(problems({ project: 'example-live' })).toContain('the namespace of the Kargo project');
  });

  test('automatic promotion to a stage that needs a note', () => {
    expect(problems({ stages: withLive({ promotion: 'automatic' }) })).toContain(
      'stage live is promoted automatically, yet wants a note',
    );
  });

  test('a bad window, with all its problems at once', () => {
    const gate = { window: { ...newYork, timeZone: 'America/New_Yrok' }, approvers: ['admin'] };
    const text = problems({ stages: withLive({ gate }) });
    expect(text).toContain('stages.4.gate.window.timeZone');
    expect(text).toContain('stages.4.gate.approvers.0');
  });

  test("Kargo's own promotion windows", () => {
    expect(() => refuseKargoPromotionWindows([{ promotionWindows: [] }], 'gitops/promotion')).toThrow(
      /gitops\/promotion\.0\.promotionWindows/,
    );
    expect(() => refuseKargoPromotionWindows([{ promotionPolicies: [] }], 'gitops/promotion')).not.toThrow();
  });
});

test('the zone probe names every zone once', () => {
  const chart = Testing.chart();
  new ZoneProbe(chart, 'probe', { system: 'example', namespace: 'kargo', timeZones: ['UTC', 'Europe/Berlin', 'UTC'] });
  const [policy] = chart.toJson() as unknown as Policy[];
  expect(policy?.spec.validations?.length).toBe(3);
});

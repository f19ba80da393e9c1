import type { Construct } from 'constructs';
import {
  annotationPrefix,
  gateAnnotation,
  invisible,
  justificationRule,
  kargoAnnotation,
  lettersPattern,
  message,
  noteRule,
  personPattern,
  programPrefixes,
  sharedAccounts,
  type TextRule,
  unknownActor,
} from '../../model/gate/index.ts';
import type { PromotionWindow } from '../../model/promotion-window/index.ts';
import type { AdmissionPolicy, PolicyValidation } from '../core/index.ts';
import { type CelVariable, orEmptyMap, raw, template, text, texts } from './cel.ts';
import { type GateContext, gatePolicy, inProject, kargoGroup, notSetUp, requestUser } from './context.ts';
import type { GateStage } from './props.ts';
import { type WindowVariables, windowVariables } from './window-variables.ts';

/**
 * The years for which clock changes and holidays are written into the policies. A constant, because a rendering must not
 * depend on the day it is made.
 */
const years = { from: 2026, to: 2049 } as const;

/** How a policy learns the present time; tests replace it, because nobody can set the API server's clock. */
export interface PolicyClock {
  /** CEL, a timestamp. */
  readonly now: string;
  /** @default {@link years} */
  readonly years?: { readonly from: number; readonly to: number };
}

const creations = [{ apiGroups: [kargoGroup], operations: ['CREATE'] as const, resources: ['promotions'] }];
const statusUpdates = [{ apiGroups: [kargoGroup], operations: ['UPDATE'] as const, resources: ['promotions/status'] }];

/** The API server stamps the time of creation before validating admission and overwrites a forged one. */
const creationClock: PolicyClock = { now: 'timestamp(object.metadata.creationTimestamp)' };

/**
 * The API server stamps the managedFields entry that owns `status.phase`; `status.startedAt` is only the writer's word.
 * Without exactly one owner there is no trustworthy clock: a rule of its own refuses that, and the value here only keeps the
 * other rules from an error, which Kargo would take for a failure of the promotion.
 */
const startClock: PolicyClock = {
  now: 'variables.owners.size() == 1 ? timestamp(variables.owners[0].time) : timestamp(object.metadata.creationTimestamp)',
};

/** Who asks, and what they wrote on the Promotion. */
function requestVariables({ users }: GateContext): CelVariable[] {
  return [
    { name: 'user', expression: requestUser },
    { name: 'stage', expression: 'object.spec.stage' },
    { name: 'annotations', expression: orEmptyMap('object.metadata.?annotations') },
    { name: 'automatic', expression: `variables.user == ${text(users.kargoController)}` },
    {
      name: 'claimedActor',
      expression: `variables.annotations[?${text(kargoAnnotation.createActor)}].orValue('')`,
    },
    {
      name: 'actor',
      expression: `variables.automatic ? '' : variables.user == ${text(users.kargoApi)} ? variables.claimedActor : 'kubernetes:' + variables.user`,
    },
    { name: 'actorText', expression: "variables.actor == '' ? 'an automatic promotion' : variables.actor" },
    { name: 'hasNote', expression: `${text(gateAnnotation.note)} in variables.annotations` },
    { name: 'note', expression: `variables.annotations[?${text(gateAnnotation.note)}].orValue('')` },
    { name: 'hasBreakGlass', expression: `${text(gateAnnotation.breakGlass)} in variables.annotations` },
    { name: 'justification', expression: `variables.annotations[?${text(gateAnnotation.breakGlass)}].orValue('')` },
  ];
}

/** CEL, a boolean: whether a text satisfies a rule; `satisfies` of model/gate/text.ts in CEL. */
function satisfiesRule(value: string, rule: TextRule): string {
  return [
    `${value}.size() <= ${rule.maximum}`,
    `${value}.trim().size() >= ${rule.minimum}`,
    `${value}.matches(${raw(lettersPattern(rule.letters))})`,
    `!${value}.matches(${raw(invisible)})`,
  ].join(' && ');
}

/** A rule that holds for one stage only. */
function forStage(stage: GateStage, expression: string): string {
  return `variables.stage != ${text(stage.name)} || ${expression}`;
}

/** The variables of every distinct window, and which of them a stage reads. */
class Windows {
  readonly variables: readonly CelVariable[];
  private readonly byWindow = new Map<string, WindowVariables>();

  constructor({ props }: GateContext, clock: PolicyClock) {
    for (const stage of props.stages) {
      const window = stage.gate?.window;
      if (window === undefined || this.byWindow.has(key(window))) continue;
      this.byWindow.set(
        key(window),
        windowVariables(window, {
          clock: props.clock ?? 'zone-names',
          years: clock.years ?? years,
          suffix: this.byWindow.size === 0 ? '' : String(this.byWindow.size + 1),
        }),
      );
    }
    this.variables = [...this.byWindow.values()].flatMap((window) => window.variables);
  }

  of(window: PromotionWindow): WindowVariables {
    const found = this.byWindow.get(key(window));
    if (found === undefined) throw new Error('the window belongs to no stage of this gate');
    return found;
  }
}

/** Windows that say the same are one. */
function key(window: PromotionWindow): string {
  const { timeZone, days, from, to, calendar, closedDays } = window;
  return JSON.stringify([timeZone, [...days].sort(), from, to, calendar, [...(closedDays ?? [])].sort()]);
}

/**
 * Creation: who asks, whether the texts are texts, who may break glass, and the window. A promotion that is asked for inside
 * the window is refused unless it breaks glass. R16.3, R17.3, R18.1 to R18.4, R19.1, R19.3
 */
export function createPolicy(scope: Construct, context: GateContext, clock = creationClock): AdmissionPolicy {
  const { props, users } = context;
  const windows = new Windows(context, clock);
  const known = texts([gateAnnotation.note, gateAnnotation.breakGlass]);
  return gatePolicy(scope, context, 'create', {
    rules: creations,
    matchConditions: [inProject(context), notSetUp(context)],
    variables: [...requestVariables(context), { name: 'now', expression: clock.now }, ...windows.variables],
    validations: [
      {
        expression: `variables.automatic ? !(${text(kargoAnnotation.createActor)} in variables.annotations) : variables.user == ${text(users.kargoApi)} ? variables.claimedActor != '' : variables.claimedActor == variables.actor`,
        message: message.identity,
      },
      {
        expression: `variables.annotations.all(name, !name.lowerAscii().startsWith(${text(annotationPrefix)}) || name in ${known})`,
        message: message.unknownAnnotation,
      },
      {
        expression: '!variables.automatic || (!variables.hasNote && !variables.hasBreakGlass)',
        message: message.annotatedAutomatic,
      },
      {
        expression: `variables.stage in ${texts(props.stages.map((stage) => stage.name))}`,
        message: message.unknownStage,
      },
      {
        expression: `!variables.hasNote || (${satisfiesRule('variables.note', noteRule)})`,
        message: message.note(noteRule),
      },
      ...props.stages.flatMap(breakGlassValidations),
      ...props.stages.flatMap((stage) => creationWindow(stage, windows)),
    ],
    auditAnnotations: [
      {
        key: 'promotion',
        valueExpression:
          "variables.stage + ' by ' + variables.actorText + (variables.hasBreakGlass ? ', break-glass: ' + variables.justification : '') + (variables.hasNote ? ', note: ' + variables.note : '')",
      },
    ],
  });
}

function breakGlassValidations(stage: GateStage): PolicyValidation[] {
  const breakGlass = stage.gate?.breakGlass;
  if (breakGlass === undefined) {
    return [{ expression: forStage(stage, '!variables.hasBreakGlass'), message: message.noBreakGlass(stage) }];
  }
  const rule = justificationRule(breakGlass.minimumJustification);
  return [
    {
      expression: forStage(stage, `!variables.hasBreakGlass || (${satisfiesRule('variables.justification', rule)})`),
      message: message.justification(rule),
    },
    {
      expression: forStage(stage, `!variables.hasBreakGlass || variables.actor in ${texts(breakGlass.actors)}`),
      messageExpression: template(message.breakGlassActor(stage, breakGlass.actors), { actor: 'variables.actorText' }),
    },
  ];
}

function creationWindow(stage: GateStage, windows: Windows): PolicyValidation[] {
  if (stage.gate?.window === undefined) return [];
  const { blocked, left } = windows.of(stage.gate.window);
  return [
    {
      expression: forStage(stage, `!${blocked} || variables.hasBreakGlass`),
      messageExpression: template(message.blocked(stage), { left }),
    },
  ];
}

/** Approval: named people, and the note. Nothing that is promoted by hand is promoted automatically. R17.1, R17.4 */
export function approvalPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const manual = context.props.stages.filter((stage) => stage.promotion === 'manual');
  return gatePolicy(scope, context, 'approval', {
    rules: creations,
    matchConditions: [inProject(context), notSetUp(context)],
    variables: [
      ...requestVariables(context),
      {
        name: 'person',
        expression: `variables.actor.matches(${raw(personPattern)}) && !(variables.actor in ${texts(sharedAccounts)}) && !${texts(programPrefixes)}.exists(prefix, variables.actor.startsWith(prefix))`,
      },
    ],
    validations: [
      {
        expression: `!variables.automatic || !(variables.stage in ${texts(manual.map((stage) => stage.name))})`,
        messageExpression:
          "'approval: ' + variables.stage + ' is promoted by hand, never automatically. Turn its promotion policy off'",
      },
      ...context.props.stages.flatMap(approvalValidations),
    ],
    auditAnnotations: [{ key: 'actor', valueExpression: 'variables.actorText' }],
  });
}

function approvalValidations(stage: GateStage): PolicyValidation[] {
  const { gate } = stage;
  if (gate === undefined) return [];
  const actor = { actor: 'variables.actorText' };
  const personNeeded = gate.note === 'required' || gate.approvers !== undefined;
  const acceptable = personNeeded ? 'variables.person' : `variables.actor != ${text(unknownActor)}`;
  const validations: PolicyValidation[] = [
    {
      expression: forStage(stage, `variables.automatic || ${acceptable}`),
      messageExpression: template(message.noPerson(stage), actor),
    },
  ];
  if (gate.approvers !== undefined) {
    validations.push({
      expression: forStage(
        stage,
        `variables.automatic || !variables.person || variables.actor in ${texts(gate.approvers)}`,
      ),
      messageExpression: template(message.notApprover(stage, gate.approvers), actor),
    });
  }
  if (gate.note === 'required') {
    validations.push({ expression: forStage(stage, 'variables.hasNote'), message: message.noteMissing(stage) });
  }
  return validations;
}

/** Switched-off stages take no promotions, and none that waits for them starts. R20.1, R20.2 */
export function disabledPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const disabled = context.props.stages.filter((stage) => !stage.enabled);
  const off = `variables.stage in ${texts(disabled.map((stage) => stage.name))}`;
  const named = (write: (stage: GateStage) => string) =>
    template(write({ ...anyStage, name: '{actor}' }), { actor: 'variables.stage' });
  return gatePolicy(scope, context, 'disabled', {
    rules: [...creations, ...statusUpdates],
    matchConditions: [
      inProject(context),
      notSetUp(context),
      { name: 'creation-or-start', expression: `request.operation == 'CREATE' || (${starting})` },
    ],
    variables: [{ name: 'stage', expression: 'object.spec.stage' }],
    validations: [
      { expression: `request.operation != 'CREATE' || !(${off})`, messageExpression: named(message.disabled) },
      { expression: `request.operation != 'UPDATE' || !(${off})`, messageExpression: named(message.disabledStart) },
    ],
    auditAnnotations: [{ key: 'disabled', valueExpression: `${off} ? string(variables.stage) : ''` }],
  });
}

const anyStage: GateStage = { name: '', enabled: false, promotion: 'manual' };

/** CEL, a boolean: the phase changes to Running. */
const starting = "object.?status.phase.orValue('') == 'Running' && oldObject.?status.phase.orValue('') != 'Running'";

/**
 * Start: a promotion that was queued before the window does not start inside it; a break-glass promotion starts within its
 * limit. A refused one stays Pending and is tried again by Kargo. R18.1, R19.5
 */
export function startPolicy(scope: Construct, context: GateContext, clock = startClock): AdmissionPolicy {
  const windows = new Windows(context, clock);
  return gatePolicy(scope, context, 'start', {
    rules: statusUpdates,
    matchConditions: [inProject(context), notSetUp(context), { name: 'starting', expression: starting }],
    variables: [
      { name: 'stage', expression: 'object.spec.stage' },
      {
        name: 'owners',
        expression:
          "object.metadata.?managedFields.orValue([]).filter(entry, entry.?subresource.orValue('') == 'status' && entry.?fieldsV1['f:status']['f:phase'].hasValue())",
      },
      { name: 'now', expression: clock.now },
      { name: 'created', expression: 'timestamp(object.metadata.creationTimestamp)' },
      {
        name: 'hasBreakGlass',
        expression: `${text(gateAnnotation.breakGlass)} in ${orEmptyMap('object.metadata.?annotations')}`,
      },
      ...windows.variables,
    ],
    validations: [
      {
        expression: 'variables.owners.size() == 1',
        message:
          'clock: status.phase has no single owner, so that the time of this start is unknown. Abort the promotion',
      },
      {
        expression:
          "has(object.status.startedAt) && timestamp(object.status.startedAt) - variables.now <= duration('120s') && variables.now - timestamp(object.status.startedAt) <= duration('120s')",
        message:
          'clock: startedAt is more than two minutes from the time of the API server. Set the clocks of the nodes right',
      },
      ...context.props.stages.flatMap((stage) => startWindow(stage, windows)),
    ],
    auditAnnotations: [
      { key: 'start', valueExpression: "variables.stage + (variables.hasBreakGlass ? ', break-glass' : '')" },
    ],
  });
}

function startWindow(stage: GateStage, windows: Windows): PolicyValidation[] {
  if (stage.gate?.window === undefined) return [];
  const { blocked, left } = windows.of(stage.gate.window);
  const { breakGlass } = stage.gate;
  const waits = { messageExpression: template(message.waits(stage), { left }) };
  if (breakGlass === undefined) return [{ expression: forStage(stage, `!${blocked}`), ...waits }];
  return [
    { expression: forStage(stage, `!${blocked} || variables.hasBreakGlass`), ...waits },
    {
      expression: forStage(
        stage,
        `!${blocked} || !variables.hasBreakGlass || variables.now - variables.created <= duration('${breakGlass.startWithinMinutes}m')`,
      ),
      messageExpression: template(message.expired(stage), { left }),
    },
  ];
}

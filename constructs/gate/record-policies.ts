import type { Construct } from 'constructs';
import { kargoAnnotation } from '../../model/gate/index.ts';
import type { AdmissionPolicy } from '../core/index.ts';
import { orEmptyMap, text, texts } from './cel.ts';
import {
  type GateContext,
  gatePolicy,
  inProject,
  kargoGroup,
  notSetUp,
  requestNamespace,
  requestUser,
} from './context.ts';

/** The state of a promotion is Kargo's word alone, and an end is an end. R22.1 */
export function statusPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  return gatePolicy(scope, context, 'status', {
    rules: [{ apiGroups: [kargoGroup], operations: ['UPDATE'], resources: ['promotions/status'] }],
    matchConditions: [inProject(context), notSetUp(context)],
    variables: [
      { name: 'before', expression: "oldObject.?status.phase.orValue('')" },
      { name: 'after', expression: "object.?status.phase.orValue('')" },
    ],
    validations: [
      {
        expression: `${requestUser} == ${text(context.users.kargoController)}`,
        message: 'status: the state of a promotion is written by the Kargo controller only',
      },
      {
        expression:
          "!(variables.before in ['Succeeded', 'Failed', 'Errored', 'Aborted']) || object.status == oldObject.status",
        message: 'status: a finished promotion never changes. Create a new one',
      },
      {
        expression:
          '!oldObject.?status.startedAt.hasValue() || object.?status.startedAt == oldObject.?status.startedAt',
        message: 'status: startedAt never changes',
      },
      {
        expression:
          "!(variables.after in ['Succeeded', 'Failed']) || variables.before == 'Running' || variables.before == variables.after",
        message: 'status: a promotion that never started neither succeeds nor fails',
      },
    ],
  });
}

/** What stands on a Promotion when it is created stands there for ever: note, justification, actor, target. R19.5, R22.1, R22.2 */
export function immutablePolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const free = texts([kargoAnnotation.refresh, kargoAnnotation.abort]);
  const same = (field: string, empty: string) =>
    `object.metadata.?${field}.orValue(${empty}) == oldObject.metadata.?${field}.orValue(${empty})`;
  return gatePolicy(scope, context, 'immutable', {
    rules: [{ apiGroups: [kargoGroup], operations: ['UPDATE'], resources: ['promotions'] }],
    matchConditions: [inProject(context), notSetUp(context)],
    variables: [
      { name: 'after', expression: orEmptyMap('object.metadata.?annotations') },
      { name: 'before', expression: orEmptyMap('oldObject.metadata.?annotations') },
    ],
    validations: [
      { expression: 'object.spec == oldObject.spec', message: 'immutable: the spec of a promotion never changes' },
      {
        expression: `variables.after.all(name, name in ${free} || (name in variables.before && variables.before[name] == variables.after[name])) && variables.before.all(name, name in ${free} || name in variables.after)`,
        message:
          'immutable: note, break-glass and every other annotation of a promotion are written when it is created. Abort it and create a new one',
      },
      {
        expression: `${same('labels', '{}')} && ${same('ownerReferences', '[]')} && ${same('finalizers', '[]')}`,
        message: 'immutable: labels, owners and finalizers of a promotion never change',
      },
      {
        expression:
          'object.metadata.?managedFields.orValue([]).size() > 0 || oldObject.metadata.?managedFields.orValue([]).size() == 0',
        message: 'immutable: managedFields is the clock of the gate and is not reset',
      },
    ],
  });
}

/** Promotions, Freight and the project's namespace are deleted by Kargo's garbage collector and the set-up only. R22.4 */
export function historyPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { props, users } = context;
  return gatePolicy(scope, context, 'history', {
    rules: [
      { apiGroups: [kargoGroup], operations: ['DELETE'], resources: ['promotions', 'freights'] },
      { apiGroups: [''], operations: ['DELETE'], resources: ['namespaces'] },
    ],
    matchConditions: [
      notSetUp(context),
      {
        name: 'in-project',
        expression: `request.resource.resource == 'namespaces' ? oldObject.metadata.name == ${text(props.project)} : ${requestNamespace} == ${text(props.project)}`,
      },
    ],
    validations: [
      {
        expression: `${requestUser} in ${texts(users.clusterControllers)} || (request.resource.resource != 'namespaces' && ${requestUser} in ${texts([users.kargoGarbageCollector, users.gitOps])})`,
        message:
          'history: what was promoted is kept. It is deleted by the garbage collector of Kargo or by the set-up only',
      },
    ],
  });
}

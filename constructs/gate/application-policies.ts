import type { Construct } from 'constructs';
import { kargoAnnotation } from '../../model/gate/index.ts';
import type { AdmissionPolicy } from '../core/index.ts';
import { text, texts } from './cel.ts';
import { type GateContext, gatePolicy, notSetUp, requestUser } from './context.ts';

const argoGroup = 'argoproj.io';

/**
 * Applications that deliver a gated stage, or that carry the gate itself, change only through Git and Kargo. Kargo writes
 * `operation`, resets `status.operationState` and writes back the sources when it syncs. R18.1
 */
export function applicationsPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { props, users, gatedNamespaces } = context;
  const either = (condition: (object: string) => string) =>
    `(object != null && (${condition('object')})) || (oldObject != null && (${condition('oldObject')}))`;
  const names = texts(props.guardedApplications ?? []);
  const behindGate = (object: string) =>
    `${object}.?spec.destination.namespace.orValue('') in ${texts(gatedNamespaces)} || ${object}.metadata.name in ${names}`;
  const guarded = (object: string) =>
    `${behindGate(object)} || ${object}.?spec.project.orValue('') in ${texts(props.guardedAppProjects ?? ['default'])}`;
  const sameAnnotation = (name: string) =>
    `object.metadata.?annotations[?${text(name)}] == oldObject.metadata.?annotations[?${text(name)}]`;
  const updating = "request.operation != 'UPDATE'";
  return gatePolicy(scope, context, 'applications', {
    rules: [
      {
        apiGroups: [argoGroup],
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        resources: ['applications', 'applications/status'],
      },
    ],
    matchConditions: [
      notSetUp(context),
      {
        name: 'not-by-the-cluster-itself',
        expression: `!(${requestUser} in ${texts([users.gitOps, ...users.clusterControllers])})`,
      },
      { name: 'guarded', expression: either(guarded) },
    ],
    variables: [
      { name: 'kargo', expression: `${requestUser} == ${text(users.kargoController)}` },
      { name: 'dashboard', expression: `${requestUser} == ${text(users.argoCdServer)}` },
      { name: 'gated', expression: either(behindGate) },
    ],
    validations: [
      {
        expression: "request.operation == 'UPDATE'",
        message:
          'application: it is defined in Git, where it is added and removed. Change the settings, render and push',
      },
      {
        expression: `${updating} || object.?spec == oldObject.?spec || (variables.kargo && ${['destination', 'project', 'syncPolicy', 'ignoreDifferences'].map((field) => `object.spec.?${field} == oldObject.spec.?${field}`).join(' && ')})`,
        message: 'application: it is defined in Git. Change the settings, render and push',
      },
      {
        expression: `${updating} || (${sameAnnotation(kargoAnnotation.authorizedStage)} && object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences && (variables.kargo || object.metadata.?finalizers == oldObject.metadata.?finalizers))`,
        message: 'application: the stage that may sync it is defined in Git. Change the settings, render and push',
      },
      {
        expression: `${updating} || variables.kargo || object.?operation == oldObject.?operation || (variables.dashboard && !variables.gated && !object.?operation.sync.manifests.hasValue())`,
        message:
          'application: it is synced by a promotion, or by itself, never by hand. Promote with Kargo; break-glass included',
      },
      {
        expression: `${updating} || variables.kargo || variables.dashboard || object.?status == oldObject.?status`,
        message: 'application: its state is written by Argo CD only',
      },
    ],
  });
}

/** Sync windows and allowed destinations stand in Git. R25.2 */
export function appProjectsPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { users } = context;
  return gatePolicy(scope, context, 'appprojects', {
    rules: [{ apiGroups: [argoGroup], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['appprojects'] }],
    matchConditions: [
      notSetUp(context),
      {
        name: 'not-by-the-cluster-itself',
        expression: `!(${requestUser} in ${texts([users.gitOps, ...users.clusterControllers])})`,
      },
    ],
    validations: [
      {
        expression: "request.operation == 'UPDATE' && object.?spec == oldObject.?spec",
        message: 'project: sync windows and destinations are defined in Git. Change the settings, render and push',
      },
    ],
  });
}

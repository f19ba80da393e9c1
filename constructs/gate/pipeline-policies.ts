import type { Construct } from 'constructs';
import { annotationPrefix } from '../../model/gate/index.ts';
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

/**
 * Stages, Warehouses, project settings and shared steps are what stands in Git: another Stage, or other steps, would reach the
 * same target past its gate. Holds for the whole cluster, because a Stage in another project can write the same branch.
 */
export function definitionPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { props, users } = context;
  const guardedAnnotation = (name: string) =>
    `${name}.startsWith(${text(annotationPrefix)}) || ${name} in ${texts(['kargo.akuity.io/color', 'kargo.akuity.io/description', 'kargo.akuity.io/authorized-stage'])}`;
  const kept = (one: string, other: string) =>
    `variables.${one}.all(name, !(${guardedAnnotation('name')}) || (name in variables.${other} && variables.${other}[name] == variables.${one}[name]))`;
  const changing = "request.operation != 'UPDATE'";
  return gatePolicy(scope, context, 'definition', {
    rules: [
      {
        apiGroups: [kargoGroup],
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        resources: [
          'stages',
          'warehouses',
          'projectconfigs',
          'promotiontasks',
          'clusterpromotiontasks',
          'clusterconfigs',
          'projects',
        ],
      },
    ],
    matchConditions: [
      notSetUp(context),
      {
        name: 'not-by-the-cluster-itself',
        expression: `!(${requestUser} in ${texts([users.gitOps, ...users.clusterControllers])})`,
      },
      {
        name: 'not-by-the-owner-of-projects',
        expression: `!(request.resource.resource == 'projects' && request.operation == 'UPDATE' && ${requestUser} == ${text(users.kargoManagement)})`,
      },
      {
        name: 'not-of-another-system',
        expression: `!((request.resource.resource == 'projects' ? (object == null ? oldObject : object).metadata.name : ${requestNamespace}) in ${texts(props.otherProjects ?? [])})`,
      },
    ],
    variables: [
      {
        name: 'after',
        expression: `request.operation == 'DELETE' ? {} : ${orEmptyMap('object.metadata.?annotations')}`,
      },
      {
        name: 'before',
        expression: `request.operation == 'CREATE' ? {} : ${orEmptyMap('oldObject.metadata.?annotations')}`,
      },
    ],
    validations: [
      {
        expression: "request.operation == 'UPDATE'",
        message:
          'pipeline: it is defined in Git, where things are added and removed. Change the settings, render and push',
      },
      {
        expression: `${changing} || (object.?spec == oldObject.?spec && ${orEmptyMap('object.metadata.?labels')} == ${orEmptyMap('oldObject.metadata.?labels')} && object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([]))`,
        message: 'pipeline: it is defined in Git. Change the settings, render and push',
      },
      {
        expression: `${changing} || (${kept('after', 'before')} && ${kept('before', 'after')})`,
        message:
          'pipeline: its description and its own annotations are defined in Git. Change the settings, render and push',
      },
    ],
  });
}

/**
 * Freight gets to a stage by its evidence: made by the Warehouse, verified by the stages before, never approved around them.
 * R15.3
 */
export function evidencePolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { users } = context;
  const isFreight = "request.resource.resource == 'freights'";
  const isStatus = "request.?subResource.orValue('') == 'status'";
  const kargo = `${requestUser} == ${text(users.kargoController)}`;
  const same = (fields: readonly string[]) =>
    fields.map((field) => `object.?${field} == oldObject.?${field}`).join(' && ');
  return gatePolicy(scope, context, 'evidence', {
    rules: [
      { apiGroups: [kargoGroup], operations: ['CREATE', 'UPDATE'], resources: ['freights'] },
      {
        apiGroups: [kargoGroup],
        operations: ['UPDATE'],
        resources: ['freights/status', 'stages/status', 'warehouses/status'],
      },
    ],
    matchConditions: [inProject(context), notSetUp(context), { name: 'not-by-kargo', expression: `!(${kargo})` }],
    variables: [
      { name: 'freight', expression: isFreight },
      { name: 'status', expression: isStatus },
      { name: 'before', expression: "request.operation == 'CREATE' ? {} : oldObject.?status.approvedFor.orValue({})" },
      { name: 'after', expression: 'object.?status.approvedFor.orValue({})' },
    ],
    validations: [
      {
        expression: "request.operation != 'CREATE'",
        message: 'evidence: Freight is made by its Warehouse only. Push a build',
      },
      {
        expression: `!variables.status || (variables.freight && ${requestUser} == ${text(users.kargoApi)})`,
        message: 'evidence: verification and the state of stages are written by the Kargo controller only',
      },
      {
        expression: `!variables.status || request.operation == 'CREATE' || (${same(['status.verifiedIn', 'status.currentlyIn', 'status.metadata'])})`,
        message: 'evidence: verification is written by the Kargo controller only',
      },
      {
        expression: `!variables.status || variables.after.all(stage, stage in variables.before && variables.after[stage] == variables.before[stage])`,
        message:
          'evidence: Freight reaches a stage by way of the stages before it, never by manual approval. Promote it to the stage before',
      },
      {
        expression: `variables.status || request.operation == 'CREATE' || (${same(['origin', 'commits', 'images', 'charts', 'artifacts'])})`,
        message: 'evidence: the content of Freight never changes',
      },
    ],
  });
}

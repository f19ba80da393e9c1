import type { Construct } from 'constructs';
import type { AdmissionPolicy } from '../core/index.ts';
import { orEmptyMap, text, texts } from './cel.ts';
import { type GateContext, gatePolicy, inProject, notSetUp, requestNamespace, requestUser } from './context.ts';

const rbac = 'rbac.authorization.k8s.io';

/** Annotations of an account by which Kargo lets people act as it. */
const claimsPrefix = 'rbac.kargo.akuity.io/claim';

/** Nobody gives themselves rights in the project: its roles, bindings, and who holds a role are Kargo's and Git's. */
export function rightsPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { users } = context;
  const isAccount = "request.resource.resource == 'serviceaccounts'";
  return gatePolicy(scope, context, 'rights', {
    rules: [
      { apiGroups: [rbac], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['roles', 'rolebindings'] },
      { apiGroups: [''], operations: ['CREATE', 'UPDATE'], resources: ['serviceaccounts'] },
    ],
    matchConditions: [
      inProject(context),
      notSetUp(context),
      {
        name: 'not-by-git-or-kargo',
        expression: `!(${requestUser} in ${texts([users.gitOps, users.kargoManagement, ...users.clusterControllers])})`,
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
        expression: isAccount,
        message: 'rights: roles in a pipeline namespace are defined in Git. Change the settings, render and push',
      },
      {
        expression: `!(${isAccount}) || variables.after.all(name, !name.startsWith(${text(claimsPrefix)}) || (name in variables.before && variables.before[name] == variables.after[name]))`,
        message: 'rights: who holds a role of the pipeline is defined in Git. Change the settings, render and push',
      },
    ],
  });
}

/** Tokens: only harmless roles of the project have API tokens, and nobody takes a token of Kargo's own accounts. */
export function tokensPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { props, users } = context;
  const roles = texts(props.tokenRoles ?? ['kargo-viewer', 'kargo-promoter']);
  const trusted = [users.gitOps, serviceAccountTokens, ...users.clusterControllers];
  return gatePolicy(scope, context, 'tokens', {
    rules: [
      { apiGroups: [''], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] },
      { apiGroups: [''], operations: ['CREATE'], resources: ['serviceaccounts/token'] },
    ],
    matchConditions: [
      notSetUp(context),
      {
        name: 'in-project-or-kargo',
        expression: `${requestNamespace} in ${texts([props.project, props.kargo.namespace])}`,
      },
      {
        name: 'a-token',
        expression: `request.resource.resource != 'secrets' || object.?type.orValue('') == 'kubernetes.io/service-account-token'`,
      },
    ],
    validations: [
      {
        expression: `request.resource.resource != 'secrets' || ${requestUser} in ${texts(trusted)} || (${requestNamespace} == ${text(props.project)} && object.metadata.?annotations['kubernetes.io/service-account.name'].orValue('') in ${roles})`,
        message: `tokens: API tokens exist for ${(props.tokenRoles ?? ['kargo-viewer', 'kargo-promoter']).join(' and ')} of the project only`,
      },
      {
        // Nodes ask for the tokens of the pods that they run; an administrator of the cluster could act as the account anyway.
        expression: `request.resource.resource == 'secrets' || ${requestUser} in ${texts(trusted)} || request.userInfo.?groups.orValue([]).exists(group, group in ['system:nodes', 'system:masters'])`,
        message: 'tokens: those of pipeline accounts are given to their own pods only',
      },
    ],
  });
}

const serviceAccountTokens = 'system:serviceaccount:kube-system:tokens-controller';

/**
 * The reach of Kargo's API server. Whoever administers Kargo acts through this one account, whose rights hold in every
 * namespace; without a limit they could write the settings of Argo CD, of Kargo itself or of the workloads.
 */
export function reachPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { props, users } = context;
  const allowed = [props.project, ...(props.otherProjects ?? [])];
  return gatePolicy(scope, context, 'reach', {
    rules: [
      {
        apiGroups: [''],
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        resources: ['configmaps', 'secrets', 'serviceaccounts'],
      },
      { apiGroups: [rbac], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['*'] },
    ],
    matchConditions: [{ name: 'by-kargo-api', expression: `${requestUser} == ${text(users.kargoApi)}` }],
    validations: [
      {
        expression: `${requestNamespace} in ${texts(allowed)}`,
        message: 'reach: through Kargo only the objects of its own projects are changed. Use Git, or the set-up',
      },
    ],
  });
}

/** Dashboards change no running workload behind a gate: neither an edited manifest nor a deleted pod of Argo CD's. */
export function workloadsPolicy(scope: Construct, context: GateContext): AdmissionPolicy {
  const { users, gatedNamespaces } = context;
  return gatePolicy(scope, context, 'workloads', {
    rules: [{ apiGroups: ['*'], operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'], resources: ['*/*'] }],
    matchConditions: [
      { name: 'by-a-dashboard', expression: `${requestUser} in ${texts([users.argoCdServer, users.kargoApi])}` },
      { name: 'behind-a-gate', expression: `${requestNamespace} in ${texts(gatedNamespaces)}` },
    ],
    validations: [
      {
        expression: 'false',
        message: 'workloads: this namespace is behind the promotion gate. Promote with Kargo, or change it in Git',
      },
    ],
  });
}

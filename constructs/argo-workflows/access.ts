import type { PolicyRule } from '../../imports/k8s.ts';

/** What the executor beside every step needs of the API server. */
export const executorRule: PolicyRule = {
  apiGroups: ['argoproj.io'],
  resources: ['workflowtaskresults'],
  verbs: ['create', 'patch'],
};

/** Annotations that map people's groups to a ServiceAccount in the web UI. */
export function groupAnnotations(groups: readonly string[], precedence: number): Readonly<Record<string, string>> {
  return {
    'workflows.argoproj.io/rbac-rule': groups.map((group) => `'${group}' in groups`).join(' || '),
    'workflows.argoproj.io/rbac-rule-precedence': String(precedence),
  };
}

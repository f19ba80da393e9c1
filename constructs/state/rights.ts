import type { Construct } from 'constructs';
import {
  KubeClusterRole,
  KubeClusterRoleBinding,
  KubeRole,
  KubeRoleBinding,
  type PolicyRule,
} from '../../imports/k8s.ts';
import { restoreMarker } from '../../model/state/settings.ts';

/** What one account may do: in the whole cluster, and by namespace. */
export interface Rights {
  readonly cluster: PolicyRule[];
  readonly namespaces: ReadonlyMap<string, PolicyRule[]>;
}

const kargo = 'kargo.akuity.io';
const kinds = ['warehouses', 'stages', 'freights', 'promotions', 'promotiontasks'];

/** Reading what a snapshot of these parts holds. */
export function snapshotRights(of: {
  readonly kargo?: { readonly project: string };
  readonly argocd?: { readonly namespace: string };
  readonly secrets: readonly { readonly namespace: string; readonly name: string }[];
}): Rights {
  const namespaces = new Map<string, PolicyRule[]>();
  const add = (namespace: string, rule: PolicyRule): void => {
    namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), rule]);
  };
  const cluster: PolicyRule[] = [];
  if (of.kargo !== undefined) {
    const { project } = of.kargo;
    cluster.push(
      { apiGroups: [''], resources: ['namespaces'], resourceNames: [project], verbs: ['get'] },
      { apiGroups: [kargo], resources: ['projects'], resourceNames: [project], verbs: ['get'] },
    );
    add(project, { apiGroups: [kargo], resources: [...kinds, 'projectconfigs'], verbs: ['get', 'list'] });
  }
  if (of.argocd !== undefined) {
    add(of.argocd.namespace, {
      apiGroups: ['argoproj.io'],
      resources: ['applications', 'appprojects'],
      verbs: ['get', 'list'],
    });
  }
  for (const [namespace, names] of byNamespace(of.secrets)) {
    add(namespace, { apiGroups: [''], resources: ['secrets'], resourceNames: names, verbs: ['get'] });
  }
  return { cluster, namespaces };
}

/** What a restore needs on top of reading. Only ever bound to the account of the install's Jobs. */
export function restoreRights(of: {
  readonly kargo?: { readonly project: string; readonly controllerNamespace: string };
  readonly argocd?: { readonly namespace: string };
  readonly secrets: readonly { readonly namespace: string; readonly name: string }[];
}): Rights {
  const namespaces = new Map<string, PolicyRule[]>();
  const add = (namespace: string, ...rules: PolicyRule[]): void => {
    namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), ...rules]);
  };
  const cluster: PolicyRule[] = [];
  if (of.kargo !== undefined) {
    const { project, controllerNamespace } = of.kargo;
    cluster.push(
      { apiGroups: [''], resources: ['namespaces'], verbs: ['create'] },
      { apiGroups: [kargo], resources: ['projects'], verbs: ['create'] },
      {
        apiGroups: [kargo],
        resources: ['projects', 'projects/status'],
        resourceNames: [project],
        verbs: ['get', 'patch', 'update'],
      },
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: [
          'mutatingwebhookconfigurations',
          'validatingwebhookconfigurations',
          'validatingadmissionpolicies',
          'validatingadmissionpolicybindings',
        ],
        verbs: ['list'],
      },
    );
    add(
      project,
      { apiGroups: [kargo], resources: kinds, verbs: ['create', 'patch'] },
      { apiGroups: [kargo], resources: kinds.map((kind) => `${kind}/status`), verbs: ['update'] },
      // Promotions are owned by their stages and keep them from being deleted first.
      { apiGroups: [kargo], resources: kinds.map((kind) => `${kind}/finalizers`), verbs: ['update'] },
    );
    add(
      controllerNamespace,
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [restoreMarker], verbs: ['get', 'patch'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['list'] },
      { apiGroups: ['batch'], resources: ['cronjobs'], verbs: ['list'] },
    );
  }
  if (of.argocd !== undefined) {
    add(of.argocd.namespace, {
      apiGroups: ['argoproj.io'],
      resources: ['applications', 'appprojects'],
      verbs: ['create'],
    });
  }
  for (const namespace of byNamespace(of.secrets).keys()) {
    add(namespace, { apiGroups: [''], resources: ['secrets'], verbs: ['create'] });
  }
  return { cluster, namespaces };
}

/** The sum of two sets of rights. */
export function bothRights(a: Rights, b: Rights): Rights {
  const names = new Set([...a.namespaces.keys(), ...b.namespaces.keys()]);
  return {
    cluster: [...a.cluster, ...b.cluster],
    namespaces: new Map(
      [...names].map((name) => [name, [...(a.namespaces.get(name) ?? []), ...(b.namespaces.get(name) ?? [])]]),
    ),
  };
}

/** Binds rights to an account. Cluster-wide names hold the namespace, so that two systems in one cluster don't meet. */
export function bindRights(
  scope: Construct,
  account: { readonly namespace: string; readonly name: string },
  rights: Rights,
): void {
  const { namespace, name } = account;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const apiGroup = 'rbac.authorization.k8s.io';
  if (rights.cluster.length > 0) {
    const clusterName = `${namespace}-${name}`;
    new KubeClusterRole(scope, 'ClusterRole', {
      metadata: { name: clusterName, namespace: undefined },
      rules: rights.cluster,
    });
    new KubeClusterRoleBinding(scope, 'ClusterBinding', {
      metadata: { name: clusterName, namespace: undefined },
      roleRef: { apiGroup, kind: 'ClusterRole', name: clusterName },
      subjects,
    });
  }
  for (const [where, rules] of rights.namespaces) {
    const roleName = where === namespace ? name : `${namespace}-${name}`;
    new KubeRole(scope, `Role-${where}`, { metadata: { name: roleName, namespace: where }, rules });
    new KubeRoleBinding(scope, `Binding-${where}`, {
      metadata: { name: roleName, namespace: where },
      roleRef: { apiGroup, kind: 'Role', name: roleName },
      subjects,
    });
  }
}

function byNamespace(
  names: readonly { readonly namespace: string; readonly name: string }[],
): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { namespace, name } of names) found.set(namespace, [...(found.get(namespace) ?? []), name]);
  return found;
}

/** The name that a service account has in a request. */
export function serviceAccountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Kargo's own accounts, as its chart names them. */
export interface KargoAccounts {
  /** Namespace of the release. */
  readonly namespace: string;
  /** @default 'kargo-controller' */
  readonly controller?: string;
  /** @default 'kargo-api' */
  readonly api?: string;
  /** @default 'kargo-management-controller' */
  readonly managementController?: string;
  /** @default 'kargo-garbage-collector' */
  readonly garbageCollector?: string;
}

/** Argo CD's accounts, as its chart names them. */
export interface ArgoCdAccounts {
  /** Namespace of the release. */
  readonly namespace: string;
  /** The account that writes what stands in Git. @default 'argocd-application-controller' */
  readonly applicationController?: string;
  /** The account behind the dashboard and the command line. @default 'argocd-server' */
  readonly server?: string;
}

/** Every account that the policies know, as user names of requests. */
export interface GateUsers {
  readonly setUp: string;
  readonly kargoController: string;
  readonly kargoApi: string;
  readonly kargoManagement: string;
  readonly kargoGarbageCollector: string;
  readonly gitOps: string;
  readonly argoCdServer: string;
  /** Garbage collector and namespace controller of the cluster. */
  readonly clusterControllers: readonly string[];
}

export function gateUsers(setUp: string, kargo: KargoAccounts, argoCd: ArgoCdAccounts): GateUsers {
  const ofKargo = (name: string) => serviceAccountUser(kargo.namespace, name);
  const ofArgoCd = (name: string) => serviceAccountUser(argoCd.namespace, name);
  return {
    setUp,
    kargoController: ofKargo(kargo.controller ?? 'kargo-controller'),
    kargoApi: ofKargo(kargo.api ?? 'kargo-api'),
    kargoManagement: ofKargo(kargo.managementController ?? 'kargo-management-controller'),
    kargoGarbageCollector: ofKargo(kargo.garbageCollector ?? 'kargo-garbage-collector'),
    gitOps: ofArgoCd(argoCd.applicationController ?? 'argocd-application-controller'),
    argoCdServer: ofArgoCd(argoCd.server ?? 'argocd-server'),
    clusterControllers: [
      serviceAccountUser('kube-system', 'generic-garbage-collector'),
      serviceAccountUser('kube-system', 'namespace-controller'),
      // A controller manager that does not act as a service account per controller.
      'system:kube-controller-manager',
    ],
  };
}

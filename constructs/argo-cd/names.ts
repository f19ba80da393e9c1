/** The API server of the cluster that Argo CD runs in. */
export const thisCluster = 'https://kubernetes.default.svc';

/** The Service of the web UI, with TLS terminated upstream. */
export const argoCdService = { name: 'argocd-server', port: 80 } as const;

/** The ServiceAccounts of the official chart, without their namespace. */
export const argoCdServiceAccount = {
  applicationController: 'argocd-application-controller',
  server: 'argocd-server',
  repoServer: 'argocd-repo-server',
} as const;

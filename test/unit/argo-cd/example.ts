import type { ArgoCdValuesProps } from '../../../constructs/argo-cd/index.ts';

/** Values with every option in use. */
export const everyArgoCdOption: ArgoCdValuesProps = {
  image: { repository: 'quay.io/argoproj/argocd', tag: 'v3.4.4' },
  redisImage: { repository: 'public.ecr.aws/docker/library/redis', tag: '8.2.3-alpine' },
  host: 'argocd.example.org',
  login: { name: 'Gitea', issuer: 'http://10.0.0.1:30300', secret: 'argocd-oidc-gitea' },
  operators: { subjects: ['ada@example.org'], project: 'apps', applications: ['app-beta'] },
};

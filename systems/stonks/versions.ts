/** Charts that both systems install. Chart, image and CRDs are one tested set: change them together. */
export const stonksReleases = { argoCd: '10.1.1', kargo: '1.11.2' } as const;

/** Images that both systems use. */
export const stonksImages = {
  node: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm-slim' },
  nodeWithGit: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm' },
  busybox: { repository: 'docker.io/library/busybox', tag: '1.37.0' },
  postgres: { repository: 'docker.io/library/postgres', tag: '16.6-bookworm' },
  git: { repository: 'docker.io/alpine/git', tag: '2.47.2' },
  kubectl: { repository: 'docker.io/alpine/k8s', tag: '1.34.1' },
  argoCd: { repository: 'quay.io/argoproj/argocd', tag: 'v3.4.4' },
  python: { repository: 'docker.io/library/python', tag: '3.12.8-bookworm' },
  redis: { repository: 'public.ecr.aws/docker/library/redis', tag: '8.2.3-alpine' },
  kargo: { repository: 'ghcr.io/akuity/kargo', tag: 'v1.11.2' },
  dex: { repository: 'ghcr.io/dexidp/dex', tag: 'v2.45.1' },
} as const;

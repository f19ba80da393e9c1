export * from './branch-application.ts';
export * from './manifests-branch.ts';

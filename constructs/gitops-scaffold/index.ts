export * from './gitops-scaffold.ts';
export * from './source-scaffold.ts';

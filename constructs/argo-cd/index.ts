export * from './access.ts';
export * from './helm-values.ts';
export * from './names.ts';
export * from './project.ts';
export * from './root-application.ts';
export * from './secrets.ts';
export * from './stage-application.ts';
export * from './sync.ts';

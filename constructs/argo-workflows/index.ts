export * from './access.ts';
export * from './defaults.ts';
export * from './lint.ts';
export * from './program-workflow.ts';
export * from './spec.ts';

export * from './phase.ts';
export * from './plan.ts';
export * from './secrets.ts';
export * from './step.ts';

export * from './phase.ts';
export * from './plan.ts';
export * from './step.ts';

export * from './install-plan.ts';

export * from './delivery.ts';
export * from './limits.ts';
export * from './people.ts';
export * from './replicated-secret.ts';
export * from './runner.ts';

export * from './agent.ts';
export * from './names.ts';
export * from './secrets.ts';
export * from './server.ts';
export * from './step-policy.ts';
export * from './steps.ts';

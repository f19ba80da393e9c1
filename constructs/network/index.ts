export * from './peers.ts';
export * from './policies.ts';

export * from './rights.ts';
export * from './state.ts';

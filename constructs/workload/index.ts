export * from './cel.ts';
export * from './exceptions.ts';
export * from './namespace-of.ts';
export * from './plain.ts';
export * from './resources.ts';
export * from './script-config.ts';
export * from './security.ts';

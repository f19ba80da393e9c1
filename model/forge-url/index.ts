export * from './forge.ts';
export * from './parse.ts';
export * from './print.ts';

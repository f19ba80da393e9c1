export * from './program-config-map.ts';

export * from './application-image.ts';
export * from './platform.ts';

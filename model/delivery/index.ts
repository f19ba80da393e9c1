export * from './names.ts';
export * from './overlay.ts';
export * from './settings.ts';

export * from './consumers.ts';
export * from './forge-setup.ts';
export * from './gitea-environment.ts';

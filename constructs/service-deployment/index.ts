export * from './service-deployment.ts';

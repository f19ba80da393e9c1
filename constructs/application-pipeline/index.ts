export * from './application-pipeline.ts';

export * from './image-jobs.ts';

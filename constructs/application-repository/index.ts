export * from './application-repository.ts';

export * from './file-format.ts';
export * from './woodpecker-pipeline.ts';

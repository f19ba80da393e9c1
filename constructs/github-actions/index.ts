export * from './actions.ts';
export { expression } from './expressions.ts';
export * from './github-pipeline.ts';
export { references, tagOutputs, tagStep } from './image-tags.ts';
export * from './lint-configuration.ts';
export * from './print.ts';
export * from './secrets.ts';
export * from './steps.ts';
export * from './workflow.ts';

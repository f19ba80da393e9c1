export * from './labels.ts';
export * from './manifest-text.ts';
export * from './system.ts';
export * from './system-output.ts';
export * from './validating-admission-policy.ts';
export * from './yaml.ts';

export * from './controller-values.ts';
export * from './names.ts';
export * from './scale-set-values.ts';
export * from './secret.ts';

export * from './python-uv.ts';
export * from './stack.ts';

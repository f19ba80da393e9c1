export * from './secure-ingress.ts';

export * from './deploy-account.ts';
export * from './helm-delivery.ts';

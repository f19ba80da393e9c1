export * from './inventory.ts';
export * from './requests.ts';

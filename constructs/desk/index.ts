export * from './names.ts';
export * from './promotion-desk.ts';

export * from './alerts.ts';
export * from './audit-recorder.ts';

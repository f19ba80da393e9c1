export * from './event-bus.ts';
export * from './forge-webhook.ts';
export * from './spec.ts';

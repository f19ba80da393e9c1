export * from './actors.ts';
export * from './annotations.ts';
export * from './decision.ts';
export * from './gate.ts';
export * from './kargo-promotion-windows.ts';
export * from './messages.ts';
export * from './queue.ts';
export * from './text.ts';

export * from './accounts.ts';
export { refuseKargoPromotionWindows } from './kargo-promotion-windows.ts';
export * from './promotion-gate.ts';
export * from './props.ts';
export type { ZoneClock } from './window-variables.ts';
export * from './zone-probe.ts';

/** Prefix of every annotation that the gate understands. An unknown one under it is refused, so that a typo loses nothing. */
export const annotationPrefix = 'pipelines.celestium.life/';

/** What a Promotion carries for the gate. Written once, at creation; immutable afterwards. R17.1, R19.3 */
export const gateAnnotation = {
  /** Why this promotion is made. */
  note: 'pipelines.celestium.life/note',
  /** The justification of a break-glass promotion; its presence is the activation. */
  breakGlass: 'pipelines.celestium.life/break-glass',
} as const;

/** Kargo's own annotations that the gate reads. */
export const kargoAnnotation = {
  createActor: 'kargo.akuity.io/create-actor',
  refresh: 'kargo.akuity.io/refresh',
  abort: 'kargo.akuity.io/abort',
  authorizedStage: 'kargo.akuity.io/authorized-stage',
} as const;

/** One object that breaks a rule on purpose. `npm run check` lets exactly this object pass exactly this rule. */
export interface CheckException {
  /** The rule, as the checker names it, or `pod-security` for the level of a namespace. */
  readonly check: string;
  /** `Kind/namespace/name`, or `Kind/name` for a cluster-scoped object. */
  readonly object: string;
  /** Why it has to be so, in words. */
  readonly reason: string;
}

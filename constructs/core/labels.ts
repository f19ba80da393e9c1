/** The labels that every rendered object carries. */
export const label = {
  partOf: 'app.kubernetes.io/part-of',
  managedBy: 'app.kubernetes.io/managed-by',
  component: 'app.kubernetes.io/component',
  name: 'app.kubernetes.io/name',
} as const;

/** The value of the label managed-by. */
export const managedBy = 'pipelines';

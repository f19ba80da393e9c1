/**
 * Names of the runners on this cluster. The predecessor installs them under these names, and the local system removes what it
 * finds under them (R7).
 */
export const stonksArc = {
  namespace: 'arc-system',
  /** Helm release of the controller. */
  controller: 'arc',
  /** Helm release of the scale set, and what jobs write in `runs-on`. */
  scaleSet: 'self-hosted-gremlin',
  /** ClusterRoleBinding of the runners' account. */
  binding: 'arc-runner-inttest',
  volume: 'pipeline-arc-pv',
  /** Directory of the volume on the share. */
  directory: 'arc',
} as const;

/** Everything of the runners but their data on the share; `keepVolume` keeps the PersistentVolume as well. */
export function removeArc(options: { readonly keepVolume?: boolean } = {}) {
  return {
    verb: 'remove-arc',
    namespace: stonksArc.namespace,
    controller: stonksArc.controller,
    scaleSets: [stonksArc.scaleSet],
    bindings: [stonksArc.binding],
    ...(options.keepVolume ? {} : { volume: stonksArc.volume }),
    timeout: 120,
  } as const;
}

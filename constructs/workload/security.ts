import type { PodSecurityContext, SecurityContext } from '../../imports/k8s.ts';

/** The user that a pod runs as. */
export interface RunAs {
  /** User id, not 0. */
  readonly uid: number;
  /** Group id. @default - the user id */
  readonly gid?: number;
  /**
   * Group that owns the pod's own volumes (emptyDir, local volumes). It does nothing on NFS: there the server decides.
   * @default - none
   */
  readonly fsGroup?: number;
}

/** Security context of a pod that passes the Pod Security level "restricted". */
export function restrictedPod(user: RunAs): PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: user.uid,
    runAsGroup: user.gid ?? user.uid,
    fsGroup: user.fsGroup,
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** Security context of a container that passes "restricted" and cannot change its own image. */
export function restrictedContainer(): SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  };
}

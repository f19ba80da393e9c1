import type { Image } from '../../model/image.ts';
import { chartImage, chartResources, type HelmValues } from '../helm-release/index.ts';
import type { Resources } from '../workload/index.ts';
import { arcControllerAccount } from './names.ts';

export interface ArcControllerValuesProps {
  /** Image of the controller; its tag is the chart's version. */
  readonly image: Image;
  /** The one namespace that it watches; runners live there. */
  readonly namespace: string;
  /** @default - small, for one scale set */
  readonly resources?: Resources;
}

/**
 * Values of the official chart gha-runner-scale-set-controller, checked against 0.14.2. It watches one namespace, hence it
 * gets no rights anywhere else.
 */
export function arcControllerValues(props: ArcControllerValuesProps): HelmValues {
  return {
    replicaCount: 1,
    image: chartImage(props.image),
    serviceAccount: { create: true, name: arcControllerAccount },
    podSecurityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    resources: chartResources(props.resources ?? { cpu: '25m', memory: '96Mi', memoryLimit: '256Mi' }),
    flags: {
      logLevel: 'info',
      logFormat: 'json',
      watchSingleNamespace: props.namespace,
      // A change waits for running jobs instead of adding a second set of runners beside them.
      updateStrategy: 'eventual',
    },
  };
}

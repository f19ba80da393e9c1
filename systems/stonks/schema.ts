import { z } from 'zod';
import { absolutePath, byteQuantity, dnsLabel, hostName, ipv4, portNumber } from '../../model/identifiers.ts';
import { imageSchema } from '../../model/image.ts';
import type { Problem } from '../../model/problems.ts';
import { promotionWindow } from '../../model/promotion-window/index.ts';
import { directoryProblems } from '../../model/volume/nfs.ts';

/** Pieces of the settings that both Stonks Oracle systems have. */

/** Where browsers reach the dashboards, and what serves them. */
export const ingressSchema = z.strictObject({
  /** Ingress class; Traefik on this cluster. */
  className: dnsLabel,
  /** Namespace that Traefik's pods run in. */
  controllerNamespace: dnsLabel,
  /** cert-manager ClusterIssuer of the dashboards' certificates (R11.3–R11.5). */
  clusterIssuer: dnsLabel,
});

/** A directory of the share, the volume that shows it, and the user that owns it. */
export const volumeSchema = z.strictObject({
  /** Name of the PersistentVolume. */
  volume: dnsLabel,
  /** Relative to the share (R24.4). */
  directory: z.string(),
  size: byteQuantity,
  /** User and group id of the one consumer. */
  uid: z.int().min(1, 'NFS maps root to nobody; give the uid of the consumer'),
});

export const nfsShareSchema = z.strictObject({
  server: ipv4,
  /** The exported folder that holds every directory (R24.1). */
  path: absolutePath,
});

/** Version of a Helm chart. Chart, image and CRDs are one tested set: change them together. */
export const chartVersion = z.string().regex(/^\d+\.\d+\.\d+$/, {
  error: (issue) => `${JSON.stringify(issue.input)} is no chart version; write all three numbers`,
});

/** Somebody who promotes, by the address that the forge knows. */
const person = z.email({
  error: (issue) => `${JSON.stringify(issue.input)} is no e-mail address; give the one of the person's forge account`,
});

export const peopleSchema = z.strictObject({
  /** May promote to every stage but the ones that need an approver, and may break glass there. */
  operators: z.array(person).min(1, 'nobody could promote; name at least one operator'),
  /** May promote to live, with a note, and break glass there (R17.1, R19). */
  approvers: z.array(person).min(1, 'nobody could approve for live; name at least one approver'),
});

/** A stage that deploys. */
export const deployStageSchema = z.strictObject({
  enabled: z.boolean(),
  namespace: dnsLabel,
});

/** A stage that waits for evidence. */
export const evidenceStageSchema = z.strictObject({ enabled: z.boolean() });

/** What both systems say about promotion. */
export const promotionSchema = z.strictObject({
  /** Kargo Project and its namespace. */
  project: dnsLabel,
  /** The Warehouse (R8.1). */
  warehouse: dnsLabel,
  /** When promotions to paper and live are blocked (R18.1). */
  window: promotionWindow,
  /**
   * How the policies read the zone's clock: by its name, which needs zone data on every control-plane node (preflight tries
   * it), or from the zone's changes, which are written into the policies.
   * @default 'zone-names'
   */
  clock: z.enum(['zone-names', 'utc-arithmetic']).optional(),
  /** How long the pipeline may take before its evidence is given up, for example `2h`. */
  evidenceTimeout: z.string().regex(/^[1-9]\d*(m|h)$/, {
    error: (issue) => `${JSON.stringify(issue.input)} is no duration; write it like 90m or 2h`,
  }),
  /** Whether paper takes new builds by itself outside the window (analysis C8). */
  paper: z.enum(['manual', 'automatic']),
  /** Whether a chart commit reaches live by itself after the close, or only with the next promotion. */
  liveChart: z.enum(['after-the-close', 'with-the-next-promotion']),
});

/** Images of run-time programs and helpers. */
export const runtimeImagesSchema = z.strictObject({
  /** Runs the bundled programs. */
  node: imageSchema,
  /** The same with git in it: bundles of repositories. */
  nodeWithGit: imageSchema,
  /** Shell, curl-free: makes directories. */
  busybox: imageSchema,
  postgres: imageSchema,
  /** Git and a shell, for repository bundles. */
  git: imageSchema,
  /** bash, kubectl and jq: the sweeper. */
  kubectl: imageSchema,
  argoCd: imageSchema,
  /** Lints and tests the Python services. */
  python: imageSchema,
  /** Cache of Argo CD. */
  redis: imageSchema,
  kargo: imageSchema,
  /** Log-in of people to Kargo through the forge. */
  dex: imageSchema,
});

export { dnsLabel, hostName, portNumber };

/** The Kargo Project owns its namespace, so no workload may live there (analysis 3.3-12); nor may two components share one. */
export function namespaceProblems(named: ReadonlyMap<string, string>): Problem[] {
  const owners = new Map<string, string>();
  return [...named].flatMap(([path, namespace]) => {
    const owner = owners.get(namespace);
    owners.set(namespace, owner ?? path);
    return owner === undefined
      ? []
      : [
          {
            path,
            problem: `namespace ${namespace} is already ${owner}`,
            remedy: 'give each component, stage and the Kargo project a namespace of its own',
          },
        ];
  });
}

/** Directories of the share, checked against each other. */
export function shareProblems(
  volumes: Readonly<Record<string, { readonly directory: string; readonly volume: string }>>,
): Problem[] {
  const paths = new Map(
    Object.entries(volumes).map(([name, { directory }]) => [`storage.volumes.${name}.directory`, directory]),
  );
  const names = namespaceLikeDuplicates(
    Object.entries(volumes).map(([name, { volume }]) => [`storage.volumes.${name}.volume`, volume]),
  );
  return [...directoryProblems(paths), ...names];
}

function namespaceLikeDuplicates(entries: ReadonlyArray<readonly [string, string]>): Problem[] {
  return entries.flatMap(([path, name], index) => {
    const earlier = entries.slice(0, index).find(([, other]) => other === name);
    return earlier
      ? [{ path, problem: `volume ${name} is already ${earlier[0]}`, remedy: 'give each volume a name of its own' }]
      : [];
  });
}

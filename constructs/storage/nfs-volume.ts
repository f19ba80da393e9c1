import { Construct } from 'constructs';
import { KubePersistentVolume, KubePersistentVolumeClaim, Quantity } from '../../imports/k8s.ts';
import { absoluteDirectory, type NfsShare } from '../../model/volume/nfs.ts';

/** Waits for a server that is away instead of failing a write, and has locks in the protocol itself. */
export const nfsMountOptions: readonly string[] = ['hard', 'nfsvers=4.1'];

export interface NfsVolumeProps {
  /** Name of the PersistentVolume (R24.1), for example `pipeline-woodpecker-pv`. */
  readonly name: string;
  readonly share: NfsShare;
  /** Relative to the share; no other volume's directory contains it (R24.4). */
  readonly directory: string;
  /** Size, for example `20Gi`. NFS does not enforce it; the claim has to ask for the same. */
  readonly capacity: string;
  /** The one claim that may bind the volume. */
  readonly claim: { readonly namespace: string; readonly name: string };
  /** @default nfsMountOptions */
  readonly mountOptions?: readonly string[];
}

/**
 * A directory of an NFS share as a PersistentVolume that outlives its claim, its cluster and this program's objects (R24), and
 * the claim that binds it. The volume names its claim without a uid: a claim of the same name made later binds again.
 */
export class NfsVolume extends Construct {
  /** Name of the PersistentVolume. */
  readonly volumeName: string;
  readonly claimName: string;
  readonly claimNamespace: string;

  constructor(scope: Construct, id: string, props: NfsVolumeProps) {
    super(scope, id);
    this.volumeName = props.name;
    this.claimName = props.claim.name;
    this.claimNamespace = props.claim.namespace;
    const capacity = { storage: Quantity.fromString(props.capacity) };
    new KubePersistentVolume(this, 'Volume', {
      metadata: { name: props.name },
      spec: {
        accessModes: ['ReadWriteMany'],
        capacity,
        claimRef: { namespace: props.claim.namespace, name: props.claim.name },
        mountOptions: [...(props.mountOptions ?? nfsMountOptions)],
        nfs: { server: props.share.server, path: absoluteDirectory(props.share, props.directory) },
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
        volumeMode: 'Filesystem',
      },
    });
    new KubePersistentVolumeClaim(this, 'Claim', {
      metadata: { name: props.claim.name, namespace: props.claim.namespace },
      spec: {
        accessModes: ['ReadWriteMany'],
        resources: { requests: capacity },
        storageClassName: '',
        volumeMode: 'Filesystem',
        volumeName: props.name,
      },
    });
  }
}

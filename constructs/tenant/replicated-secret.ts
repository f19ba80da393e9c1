import { Construct } from 'constructs';
import { KubeSecret } from '../../imports/k8s.ts';
import type { SecretRef } from '../../model/secret-ref.ts';

export interface ReplicatedSecretProps {
  /** The one Secret that somebody writes. */
  readonly source: SecretRef;
  /** Namespaces that read a copy under the same name. */
  readonly namespaces: readonly string[];
}

/** Annotations of a Secret that is there already; its values and its type stay its owner's. */
export class SecretAnnotations extends Construct {
  constructor(scope: Construct, id: string, secret: SecretRef, annotations: Readonly<Record<string, string>>) {
    super(scope, id);
    new KubeSecret(this, 'Secret', {
      metadata: { name: secret.name, namespace: secret.namespace, annotations: { ...annotations } },
    });
  }
}

/**
 * A Secret of which the replicator keeps copies. The copies have no other owner: no stub is rendered that a sync could empty,
 * and the list of namespaces stands in one place. Only annotations are rendered, never values; it is applied to the Secret
 * that is there already.
 */
export class ReplicatedSecret extends Construct {
  /** The copies, for the inventory. */
  readonly copies: readonly SecretRef[];

  constructor(scope: Construct, id: string, { source, namespaces }: ReplicatedSecretProps) {
    super(scope, id);
    if (namespaces.length === 0)
      throw new Error(`secret ${source.name}: no namespace reads a copy; do not replicate it`);
    new SecretAnnotations(this, 'Source', source, {
      'replicator.v1.mittwald.de/replicate-to': [...namespaces].sort().join(','),
    });
    this.copies = namespaces.map((namespace) => ({
      ...source,
      namespace,
      purpose: `copy of ${source.namespace}/${source.name}, kept by the replicator`,
    }));
  }
}

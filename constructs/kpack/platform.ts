import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';

/** Which buildpacks are tried, in order; the first group whose buildpacks all agree builds. */
export type BuildOrder = ReadonlyArray<{ readonly group: ReadonlyArray<{ readonly id: string }> }>;

export interface BuildPlatformProps {
  /** Prefix of the names of store, stack and builder. */
  readonly name: string;
  /** Id that buildpacks name the stack by. */
  readonly stackId: string;
  /** Image references with a tag that changes with their content, or a digest. */
  readonly images: { readonly build: string; readonly run: string; readonly lifecycle: string };
  readonly buildpacks: readonly string[];
  readonly order: BuildOrder;
  /** Where the builder image is pushed, without digest. */
  readonly builderTag: string;
  /** ServiceAccount that pulls these images and pushes the builder. */
  readonly account: { readonly name: string; readonly namespace: string };
}

interface KpackSpec {
  readonly ClusterStore: {
    readonly serviceAccountRef: Account;
    readonly sources: ReadonlyArray<{ readonly image: string }>;
  };
  readonly ClusterStack: {
    readonly serviceAccountRef: Account;
    readonly id: string;
    readonly buildImage: { readonly image: string };
    readonly runImage: { readonly image: string };
  };
  readonly ClusterLifecycle: { readonly serviceAccountRef: Account; readonly image: string };
  readonly ClusterBuilder: {
    readonly serviceAccountRef: Account;
    readonly tag: string;
    readonly stack: Reference<'ClusterStack'>;
    readonly store: Reference<'ClusterStore'>;
    readonly lifecycle: Reference<'ClusterLifecycle'>;
    readonly order: BuildOrder;
  };
}

interface Account {
  readonly name: string;
  readonly namespace: string;
}

interface Reference<Kind> {
  readonly kind: Kind;
  readonly name: string;
}

/** The cluster-wide objects that kpack builds with: buildpacks, stack, lifecycle and the builder made of them. */
export class BuildPlatform extends Construct {
  /** Name of the ClusterBuilder. */
  readonly builder: string;

  constructor(scope: Construct, id: string, props: BuildPlatformProps) {
    super(scope, id);
    const loose = [...Object.values(props.images), ...props.buildpacks].filter(
      (image) => !/(:(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(image),
    );
    if (loose.length > 0)
      throw new Error(`${props.name}: ${loose.join(', ')} changes by itself; give a tag or a digest`);
    const serviceAccountRef = { ...props.account };
    const names = { store: `${props.name}-store`, stack: `${props.name}-stack`, lifecycle: `${props.name}-lifecycle` };
    this.builder = `${props.name}-builder`;
    this.add('ClusterStore', names.store, {
      serviceAccountRef,
      sources: props.buildpacks.map((image) => ({ image })),
    });
    this.add('ClusterStack', names.stack, {
      serviceAccountRef,
      id: props.stackId,
      buildImage: { image: props.images.build },
      runImage: { image: props.images.run },
    });
    this.add('ClusterLifecycle', names.lifecycle, { serviceAccountRef, image: props.images.lifecycle });
    this.add('ClusterBuilder', this.builder, {
      serviceAccountRef,
      tag: props.builderTag,
      stack: { kind: 'ClusterStack', name: names.stack },
      store: { kind: 'ClusterStore', name: names.store },
      lifecycle: { kind: 'ClusterLifecycle', name: names.lifecycle },
      order: props.order,
    });
  }

  // The classes of kpack's CRDs know no `spec`: its schemas leave it open.
  private add<Kind extends keyof KpackSpec>(kind: Kind, name: string, spec: KpackSpec[Kind]): void {
    new ApiObject(this, kind, { apiVersion: 'kpack.io/v1alpha2', kind, metadata: { name }, spec });
  }
}

import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { Resources } from '../workload/index.ts';

export interface ApplicationImageProps {
  /** Name of the application. */
  readonly name: string;
  /** Image without tag. */
  readonly image: string;
  /** Address that kpack clones from, with the account's key. */
  readonly repository: string;
  /** Folder in the repository. @default - its root */
  readonly path?: string;
  /** ClusterBuilder that builds it. */
  readonly builder: string;
  readonly serviceAccount: string;
  /** Room for the layers that the next build takes over. @default '2Gi' */
  readonly cache?: string;
  /** Of the build's pod. @default 500m CPU, 1Gi, at most 2Gi */
  readonly resources?: Resources;
}

/**
 * kpack wants one tag that never changes. Nothing deploys it: what is deployed are the additional tags, which every build gets
 * by the tag policy.
 */
const fixedTag = 'kpack';

interface ImageSpec {
  readonly tag: string;
  readonly serviceAccountName: string;
  readonly builder: { readonly kind: 'ClusterBuilder'; readonly name: string };
  readonly source: { readonly git: { readonly url: string; readonly revision: string }; readonly subPath?: string };
  readonly imageTaggingStrategy: 'None';
  readonly cache: { readonly volume: { readonly size: string } };
  readonly successBuildHistoryLimit: number;
  readonly failedBuildHistoryLimit: number;
  readonly build: { readonly resources: object };
}

/** Fields of an Image that the delivery program writes; whoever syncs the rendered object leaves them alone. */
export const fieldsOfDelivery = ['/spec/source/git/revision', '/spec/additionalTags'] as const;

/** What kpack builds for one application. The delivery program sets the revision and the tags of each build. */
export class ApplicationImage extends Construct {
  constructor(scope: Construct, id: string, props: ApplicationImageProps) {
    super(scope, id);
    const { cpu, memory, memoryLimit } = props.resources ?? { cpu: '500m', memory: '1Gi', memoryLimit: '2Gi' };
    const spec: ImageSpec = {
      tag: `${props.image}:${fixedTag}`,
      serviceAccountName: props.serviceAccount,
      builder: { kind: 'ClusterBuilder', name: props.builder },
      source: {
        git: { url: props.repository, revision: 'main' },
        ...(props.path === undefined ? {} : { subPath: props.path }),
      },
      // Build numbers would be tags that no policy knows.
      imageTaggingStrategy: 'None',
      cache: { volume: { size: props.cache ?? '2Gi' } },
      successBuildHistoryLimit: 5,
      failedBuildHistoryLimit: 5,
      build: { resources: { requests: { cpu, memory }, limits: { memory: memoryLimit ?? memory } } },
    };
    new ApiObject(this, 'Image', {
      apiVersion: 'kpack.io/v1alpha2',
      kind: 'Image',
      metadata: { name: props.name },
      spec,
    });
  }
}

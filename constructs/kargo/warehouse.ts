import { Construct } from 'constructs';
import { Warehouse, WarehouseSpecFreightCreationPolicy } from '../../imports/kargo.akuity.io.ts';
import { syncAnnotations, syncWave } from '../argo-cd/sync.ts';

export interface ImageWarehouseProps {
  /** Name of the Warehouse. */
  readonly name: string;
  /** Image that is pushed last in a build, without a tag: once it is there, all images of the build are. R8.1 */
  readonly image: string;
  /** Regular expression of the tags that are builds: `allowPattern(tagPolicy)`. Other tags are ignored. R8.2 */
  readonly tagPattern: string;
  /** How often the registry is asked; the chart's minReconciliationInterval is the floor. R8.2, R8.3 @default '1m' */
  readonly interval?: string;
  /** Newest builds that are looked at. @default 20 */
  readonly discoveryLimit?: number;
}

/** A subscription to an image, as its schema in Kargo 1.11 has it. The generated class leaves it untyped. */
interface ImageSubscription {
  readonly image: {
    readonly repoURL: string;
    readonly imageSelectionStrategy: 'NewestBuild';
    /** `allowTags` passes the schema but is refused at run time. */
    readonly allowTagsRegexes: readonly string[];
    readonly cacheByTag: boolean;
    readonly discoveryLimit: number;
  };
}

/** Watches a registry for new builds and makes one Freight of each. When the registry is away it says so and goes on. */
export class ImageWarehouse extends Construct {
  readonly name: string;
  readonly image: string;

  constructor(scope: Construct, id: string, props: ImageWarehouseProps) {
    super(scope, id);
    this.name = props.name;
    this.image = props.image;
    const subscription: ImageSubscription = {
      image: {
        repoURL: props.image,
        imageSelectionStrategy: 'NewestBuild',
        allowTagsRegexes: [props.tagPattern],
        // A commit's tag is never moved to another image.
        cacheByTag: true,
        discoveryLimit: props.discoveryLimit ?? 20,
      },
    };
    new Warehouse(this, 'Warehouse', {
      metadata: { name: props.name, annotations: syncAnnotations({ wave: syncWave.promotion + 1, keep: true }) },
      spec: {
        interval: props.interval ?? '1m',
        freightCreationPolicy: WarehouseSpecFreightCreationPolicy.AUTOMATIC,
        subscriptions: [subscription],
      },
    });
  }
}

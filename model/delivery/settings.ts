import type { ForgeAddress, RepositoryPlace } from '../forge-url/index.ts';
import type { TagPolicyName } from '../tag-policy.ts';

/** An application, as the program that delivers it knows it. */
export interface DeliveredApplication {
  readonly tenant: string;
  readonly name: string;
  /** Namespace of its builds and workflows. */
  readonly ciNamespace: string;
  /** The application's own repository. */
  readonly source: RepositoryPlace;
  /** The repository with its overlays. */
  readonly gitOps: RepositoryPlace;
  /** Image without tag. */
  readonly image: string;
}

/** What the delivery program is told at render time; it is mounted as JSON. */
export interface DeliverySettings {
  readonly forges: readonly DeliveryForge[];
  readonly applications: readonly DeliveredApplication[];
  readonly tags: TagPolicyName;
  readonly branches: GitOpsBranches;
  /** Paths in a GitOps repository. */
  readonly overlays: Overlays;
  /** Names of the templates in a tenant's CI namespace. */
  readonly workflows: { readonly build: string; readonly release: string };
  readonly timeouts: {
    /** Seconds until kpack has made the build of a revision. */
    readonly buildAppears: number;
    /** Seconds until that build has ended. */
    readonly buildEnds: number;
  };
  readonly registry: { readonly api: string };
}

export interface DeliveryForge extends ForgeAddress {
  /** Address that the forge's webhooks call. */
  readonly hook: string;
}

export interface GitOpsBranches {
  /** What the sandbox follows; builds write to it. */
  readonly sandbox: string;
  /** What production follows; only merged pull requests write to it. */
  readonly production: string;
}

export interface Overlays {
  readonly sandbox: string;
  readonly production: string;
}

/** The name that an overlay's `images` entry has, and that the base's container has as its image. */
export const placeholderImage = 'application';

/** Suffix of the repository with an application's overlays. Pushes to such a repository never start a build. */
export const gitOpsSuffix = '-gitops';

/** File that an overlay's image stands in. */
export const kustomizationFile = 'kustomization.yaml';

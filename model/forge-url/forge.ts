/** The products that repositories live on. */
export const forgeKinds = ['github', 'azure-devops', 'azure-devops-server'] as const;

export type ForgeKind = (typeof forgeKinds)[number];

/** One forge, as far as addresses go. */
export interface ForgeAddress {
  readonly name: string;
  readonly kind: ForgeKind;
  /**
   * Address in a browser. For Azure DevOps Services always `https://dev.azure.com`; for a server of one's own with its prefix
   * and collection, for example `https://ado.example.com/tfs/DefaultCollection`.
   */
  readonly url: string;
}

/** One repository on a forge, however its address was written. */
export interface RepositoryPlace {
  /** Name of the forge. */
  readonly forge: string;
  /** Organisation or user; '' on a server of one's own, where the collection is part of the forge's address. */
  readonly owner: string;
  /** Project of Azure DevOps. @default - the product has none */
  readonly project?: string;
  readonly repository: string;
}

import { apiUrl, type ForgeAddress } from '../../../model/forge-url/index.ts';
import { AzureDevOps } from './azure.ts';
import type { Forge } from './forge.ts';
import { GitHub } from './github.ts';

export type { Forge, OpenPullRequest } from './forge.ts';

/** The client for a forge; one setting, its kind, decides. */
export function forgeClient(
  forge: ForgeAddress,
  owner: string,
  token: string,
  options: { readonly caFile?: string | undefined; readonly api?: string | undefined } = {},
): Forge {
  const base = options.api ?? apiUrl(forge, owner);
  return forge.kind === 'github'
    ? new GitHub(base, token, options.caFile)
    : new AzureDevOps(base, token, options.caFile);
}

import type { ForgeAddress, RepositoryPlace } from './forge.ts';

/** An address taken apart, without user names, ports and `.git`. */
interface Address {
  readonly host: string;
  readonly path: readonly string[];
  readonly ssh: boolean;
}

/** Azure's way to say "one repository of this project" in the middle of a path. */
const gitMarker = '_git';

/**
 * Finds the repository that an address means. Webhooks, people and Git clients write the same repository in many ways: HTTPS
 * with or without a user, SSH as a URL or as `user@host:path`, Azure's old and new hosts.
 *
 * @throws Error if the text is no address, or of a forge that is not among `forges`
 */
export function parseRepositoryUrl(text: string, forges: readonly ForgeAddress[]): RepositoryPlace {
  const address = takeApart(text);
  for (const forge of forges) {
    const place = placeOn(forge, address);
    if (place) return place;
  }
  throw new Error(
    `${JSON.stringify(text)} is no repository of ${forges.map((forge) => `${forge.name} (${forge.url})`).join(', ')}; ` +
      'correct the address, or add its forge to the settings',
  );
}

function takeApart(text: string): Address {
  // user@host:path, which is no URL
  const short = /^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):(?!\d+\/)(.+)$/.exec(text);
  if (short && !text.includes('://'))
    return { host: (short[1] ?? '').toLowerCase(), path: parts(short[2] ?? ''), ssh: true };
  if (!URL.canParse(text))
    throw new Error(`${JSON.stringify(text)} is no address of a repository; write it like https://HOST/OWNER/NAME`);
  const url = new URL(text);
  if (!['https:', 'http:', 'ssh:'].includes(url.protocol)) {
    throw new Error(`${JSON.stringify(text)}: ${url.protocol} is no way to a repository; use https or ssh`);
  }
  // The URL class lower-cases the host of https only.
  return { host: url.hostname.toLowerCase(), path: parts(url.pathname), ssh: url.protocol === 'ssh:' };
}

function parts(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decodeURIComponent(part))
    .map((part, index, all) => (index === all.length - 1 ? part.replace(/\.git$/, '') : part));
}

function placeOn(forge: ForgeAddress, address: Address): RepositoryPlace | undefined {
  switch (forge.kind) {
    case 'github':
      return onGitHub(forge, address);
    case 'azure-devops':
      return onAzure(forge, address);
    case 'azure-devops-server':
      return onAzureServer(forge, address);
  }
}

function onGitHub(forge: ForgeAddress, { host, path }: Address): RepositoryPlace | undefined {
  const base = new URL(forge.url);
  const prefix = parts(base.pathname);
  const rest = withoutPrefix(path, prefix);
  if (host !== base.hostname || rest?.length !== 2) return undefined;
  const [owner = '', repository = ''] = rest;
  return { forge: forge.name, owner, repository };
}

function onAzure(forge: ForgeAddress, { host, path, ssh }: Address): RepositoryPlace | undefined {
  if (ssh) {
    // ssh.dev.azure.com:v3/ORGANISATION/PROJECT/NAME
    const known = host === 'ssh.dev.azure.com' || host === 'vs-ssh.visualstudio.com';
    const [version, owner, project, repository, ...more] = path;
    if (!known || version !== 'v3' || !owner || !project || !repository || more.length > 0) return undefined;
    return { forge: forge.name, owner, project, repository };
  }
  if (host === 'dev.azure.com') {
    const [owner, ...rest] = path;
    return owner === undefined ? undefined : inProject(forge, owner, rest);
  }
  const owner = /^([a-z0-9-]+)\.visualstudio\.com$/.exec(host)?.[1];
  if (owner === undefined) return undefined;
  return inProject(forge, owner, path[0]?.toLowerCase() === 'defaultcollection' ? path.slice(1) : path);
}

function onAzureServer(forge: ForgeAddress, { host, path }: Address): RepositoryPlace | undefined {
  const base = new URL(forge.url);
  const rest = withoutPrefix(path, parts(base.pathname));
  return host === base.hostname && rest ? inProject(forge, '', rest) : undefined;
}

/** PROJECT/_git/NAME, or _git/NAME where both have the same name. */
function inProject(forge: ForgeAddress, owner: string, path: readonly string[]): RepositoryPlace | undefined {
  const at = path.indexOf(gitMarker);
  const repository = path[at + 1];
  if (at < 0 || at > 1 || repository === undefined || path.length !== at + 2) return undefined;
  return { forge: forge.name, owner, project: at === 0 ? repository : (path[0] ?? ''), repository };
}

function withoutPrefix(path: readonly string[], prefix: readonly string[]): readonly string[] | undefined {
  const same = prefix.every((part, index) => path[index]?.toLowerCase() === part.toLowerCase());
  return same ? path.slice(prefix.length) : undefined;
}

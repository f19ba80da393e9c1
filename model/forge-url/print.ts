import type { ForgeAddress, RepositoryPlace } from './forge.ts';

/** The HTTPS address that Git and Argo CD use; one spelling, so that addresses can be compared. */
export function httpsUrl(forge: ForgeAddress, place: RepositoryPlace): string {
  switch (forge.kind) {
    case 'github':
      return `${forge.url}/${place.owner}/${place.repository}.git`;
    case 'azure-devops':
      return `https://dev.azure.com/${encodeURIComponent(place.owner)}/${encodeURIComponent(projectOf(place))}/_git/${encodeURIComponent(place.repository)}`;
    case 'azure-devops-server':
      return `${forge.url}/${encodeURIComponent(projectOf(place))}/_git/${encodeURIComponent(place.repository)}`;
  }
}

/** The SSH address that kpack clones from. */
export function sshUrl(forge: ForgeAddress, place: RepositoryPlace): string {
  const { hostname, pathname } = new URL(forge.url);
  switch (forge.kind) {
    case 'github':
      return `git@${hostname}:${place.owner}/${place.repository}.git`;
    case 'azure-devops':
      return `git@ssh.dev.azure.com:v3/${place.owner}/${encodeURIComponent(projectOf(place))}/${place.repository}`;
    case 'azure-devops-server':
      return `ssh://git@${hostname}:22${pathname.replace(/\/$/, '')}/${encodeURIComponent(projectOf(place))}/_git/${place.repository}`;
  }
}

/** The value of kpack's annotation `kpack.io/git` for the key that opens `sshUrl`. */
export function sshHost(forge: ForgeAddress): string {
  return forge.kind === 'azure-devops' ? 'git@ssh.dev.azure.com' : `git@${new URL(forge.url).hostname}`;
}

/** The base of the forge's API for one repository's owner. */
export function apiUrl(forge: ForgeAddress, owner: string): string {
  switch (forge.kind) {
    case 'github':
      return forge.url === 'https://github.com' ? 'https://api.github.com' : `${forge.url}/api/v3`;
    case 'azure-devops':
      return `https://dev.azure.com/${encodeURIComponent(owner)}`;
    case 'azure-devops-server':
      return forge.url;
  }
}

/** Whether two addresses mean the same repository: hosts and, on these forges, names are compared without case. */
export function samePlace(a: RepositoryPlace, b: RepositoryPlace): boolean {
  const key = (place: RepositoryPlace) =>
    [place.forge, place.owner, place.project ?? '', place.repository].join('/').toLowerCase();
  return key(a) === key(b);
}

function projectOf(place: RepositoryPlace): string {
  if (!place.project) throw new Error(`${place.repository}: Azure DevOps keeps repositories in projects; name one`);
  return place.project;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  apiUrl,
  type ForgeAddress,
  httpsUrl,
  parseRepositoryUrl,
  type RepositoryPlace,
  samePlace,
  sshHost,
  sshUrl,
} from '../../../model/forge-url/index.ts';

const gitHub: ForgeAddress = { name: 'github', kind: 'github', url: 'https://github.com' };
const enterprise: ForgeAddress = { name: 'ghe', kind: 'github', url: 'https://git.example.com' };
const azure: ForgeAddress = { name: 'azure', kind: 'azure-devops', url: 'https://dev.azure.com' };
const onPremises: ForgeAddress = {
  name: 'ado',
  kind: 'azure-devops-server',
  url: 'https://ado.example.com/tfs/DefaultCollection',
};
const forges = [gitHub, enterprise, azure, onPremises];

const hub: RepositoryPlace = { forge: 'github', owner: 'metasync', repository: 'ledger' };
const cloud: RepositoryPlace = { forge: 'azure', owner: 'metasync', project: 'data', repository: 'sales' };
const server: RepositoryPlace = { forge: 'ado', owner: '', project: 'data', repository: 'sales' };

describe('the repository that an address means', () => {
  test.each<[string, RepositoryPlace]>([
    ['https://github.com/metasync/ledger', hub],
    ['https://github.com/metasync/ledger.git', hub],
    ['https://github.com/metasync/ledger/', hub],
    ['https://token@github.com/metasync/ledger.git', hub],
    ['https://GitHub.com/metasync/ledger', hub],
    ['git@github.com:metasync/ledger.git', hub],
    ['ssh://git@github.com/metasync/ledger.git', hub],
    ['ssh://git@github.com:22/metasync/ledger.git', hub],
    ['https://github.com/metasync/a.b.git', { ...hub, repository: 'a.b' }],
    ['https://git.example.com/metasync/ledger.git', { ...hub, forge: 'ghe' }],
    ['git@git.example.com:metasync/ledger.git', { ...hub, forge: 'ghe' }],
    ['https://dev.azure.com/metasync/data/_git/sales', cloud],
    ['https://metasync@dev.azure.com/metasync/data/_git/sales', cloud],
    ['https://dev.azure.com/metasync/_git/data', { ...cloud, repository: 'data' }],
    ['https://dev.azure.com/metasync/my%20data/_git/sales', { ...cloud, project: 'my data' }],
    ['https://metasync.visualstudio.com/data/_git/sales', cloud],
    ['https://metasync.visualstudio.com/DefaultCollection/data/_git/sales', cloud],
    ['https://metasync.visualstudio.com/_git/data', { ...cloud, repository: 'data' }],
    ['git@ssh.dev.azure.com:v3/metasync/data/sales', cloud],
    ['ssh://git@ssh.dev.azure.com/v3/metasync/data/sales', cloud],
    ['metasync@vs-ssh.visualstudio.com:v3/metasync/data/sales', cloud],
    ['https://ado.example.com/tfs/DefaultCollection/data/_git/sales', server],
    ['https://ado.example.com/tfs/defaultcollection/data/_git/sales', server],
    ['https://user@ado.example.com:8443/tfs/DefaultCollection/data/_git/sales', server],
    ['https://ado.example.com/tfs/DefaultCollection/_git/data', { ...server, repository: 'data' }],
    ['ssh://git@ado.example.com:22/tfs/DefaultCollection/data/_git/sales', server],
  ])('%s', (text, place) => {
    expect(parseRepositoryUrl(text, forges)).toEqual(place);
  });

  test.each([
    ['https://example.org/a/b', /no repository of github/],
    ['https://github.com/metasync', /no repository of/],
    ['https://github.com/metasync/ledger/tree/main', /no repository of/],
    ['https://github.com.evil.example/metasync/ledger', /no repository of/],
    ['https://dev.azure.com/metasync/data/sales', /no repository of/],
    ['https://ado.example.com/other/data/_git/sales', /no repository of/],
    ['git@ssh.dev.azure.com:v2/metasync/data/sales', /no repository of/],
    ['file:///etc/passwd', /no way to a repository/],
    ['ledger', /no address of a repository/],
    ['', /no address of a repository/],
  ])('%s is refused', (text, message) => {
    expect(() => parseRepositoryUrl(text, forges)).toThrow(message);
  });
});

test('what is printed is read back as the same repository, over HTTPS and over SSH', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const places = fc.record({ owner: name, project: name, repository: name });
  fc.assert(
    fc.property(places, fc.constantFrom(...forges), ({ owner, project, repository }, forge) => {
      const place: RepositoryPlace =
        forge.kind === 'github'
          ? { forge: forge.name, owner, repository }
          : { forge: forge.name, owner: forge.kind === 'azure-devops' ? owner : '', project, repository };
      expect(parseRepositoryUrl(httpsUrl(forge, place), forges)).toEqual(place);
      expect(parseRepositoryUrl(sshUrl(forge, place), forges)).toEqual(place);
    }),
  );
});

test('the same repository in other letters is the same', () => {
  expect(samePlace(hub, { ...hub, owner: 'MetaSync' })).toBe(true);
  expect(samePlace(hub, { ...hub, repository: 'ledger-gitops' })).toBe(false);
});

test('each product has its own API address and SSH host', () => {
  expect(forges.map((forge) => apiUrl(forge, 'metasync'))).toEqual([
    'https://api.github.com',
    'https://git.example.com/api/v3',
    'https://dev.azure.com/metasync',
    'https://ado.example.com/tfs/DefaultCollection',
  ]);
  expect(forges.map(sshHost)).toEqual([
    'git@github.com',
    'git@git.example.com',
    'git@ssh.dev.azure.com',
    'git@ado.example.com',
  ]);
});

test('a repository of Azure DevOps without a project is refused', () => {
  expect(() => httpsUrl(azure, { forge: 'azure', owner: 'metasync', repository: 'sales' })).toThrow(/name one/);
});

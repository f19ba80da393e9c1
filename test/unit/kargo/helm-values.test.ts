import { describe, expect, test } from 'vitest';
import { kargoRelease, kargoValues, kargoWithoutWorkloads } from '../../../constructs/kargo/index.ts';
import { part } from '../../support/chart.ts';
import { unknownPaths } from '../../support/chart-paths.ts';
import { everyKargoOption } from './example.ts';

const chart = 'kargo-1.11.2';
const values = kargoValues(everyKargoOption);

test('every value is one that the chart knows', () => {
  expect(unknownPaths(chart, values)).toEqual([]);
  expect(unknownPaths(chart, kargoWithoutWorkloads)).toEqual([]);
  expect(unknownPaths(chart, { api: { oidc: { enable: true } } })).toEqual(['api.oidc.enable']);
});

test('TLS ends at the ingress controller, and the chart makes no Ingress', () => {
  expect(part(values, 'api', 'tls')).toEqual({ enabled: false, terminatedUpstream: true });
  expect(part(values, 'api', 'ingress')).toEqual({ enabled: false });
  expect(part(values, 'externalWebhooksServer', 'basePath')).toBe('/webhooks');
});

test('the history of promotions is kept for years', () => {
  expect(part(values, 'garbageCollector')).toMatchObject({
    maxRetainedPromotions: 10_000,
    minPromotionDeletionAge: '87600h',
    minFreightDeletionAge: '87600h',
  });
});

test('registries are asked every minute, and HTTP takes credentials only where it is allowed', () => {
  expect(part(values, 'controller', 'reconcilers', 'warehouses', 'minReconciliationInterval')).toBe('1m');
  expect(part(values, 'controller', 'allowCredentialsOverHTTP')).toBe(true);
  const { credentialsOverHttp: _, ...plain } = everyKargoOption;
  expect(part(kargoValues(plain), 'controller', 'allowCredentialsOverHTTP')).toBe(false);
});

describe('log-in', () => {
  test('goes through Dex to Gitea, so that every promotion carries a person', () => {
    expect(part(values, 'api', 'oidc', 'usernameClaim')).toBe('email');
    expect(part(values, 'api', 'oidc', 'dex', 'connectors', 0)).toEqual({
      id: 'gitea',
      name: 'Gitea',
      type: 'gitea',
      config: {
        clientID: '$GITEA_CLIENT_ID',
        clientSecret: '$GITEA_CLIENT_SECRET',
        redirectURI: 'https://kargo.example.org/dex/callback',
        baseURL: 'http://10.0.0.1:30300',
        loadAllGroups: true,
      },
    });
  });

  test('goes through Dex to GitHub as well, for everybody or for one organisation', () => {
    const login = { kind: 'github', image: everyKargoOption.image, secret: 'github', users: {} } as const;
    const github = kargoValues({ ...everyKargoOption, login });
    expect(unknownPaths(chart, github)).toEqual([]);
    const config = {
      clientID: '$GITHUB_CLIENT_ID',
      clientSecret: '$GITHUB_CLIENT_SECRET',
      redirectURI: 'https://kargo.example.org/dex/callback',
    };
    expect(part(github, 'api', 'oidc', 'dex', 'connectors')).toEqual([
      { id: 'github', name: 'GitHub', type: 'github', config },
    ]);
    expect(part(github, 'api', 'oidc', 'dex', 'env', 1)).toEqual({
      name: 'GITHUB_CLIENT_SECRET',
      valueFrom: { secretKeyRef: { name: 'github', key: 'clientSecret' } },
    });
    const members = kargoValues({ ...everyKargoOption, login: { ...login, organization: 'example' } });
    expect(part(members, 'api', 'oidc', 'dex', 'connectors', 0, 'config')).toEqual({
      ...config,
      orgs: [{ name: 'example' }],
    });
  });

  test('is off where there is none', () => {
    const { login: _, ...plain } = everyKargoOption;
    expect(part(kargoValues(plain), 'api', 'oidc')).toEqual({ enabled: false });
  });
});

test('values hold no secret, only names', () => {
  expect(JSON.stringify(values)).not.toMatch(/passwordHash|tokenSigningKey|"password"/);
  expect(part(values, 'api', 'secret', 'name')).toBe('kargo-admin-account');
});

test('a digest decides which image runs', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const pinned = kargoValues({ ...everyKargoOption, image: { ...everyKargoOption.image, digest } });
  expect(part(pinned, 'image', 'tag')).toBe(`v1.11.2@${digest}`);
});

test('the first of two installs leaves out pods and admission web hooks', () => {
  expect(kargoWithoutWorkloads).toEqual({ workloads: { install: false }, webhooks: { register: false } });
  expect(kargoRelease('1.11.2')).toMatchObject({ namespace: 'kargo', version: '1.11.2' });
});

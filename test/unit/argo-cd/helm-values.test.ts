import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { argoCdRelease, argoCdValues } from '../../../constructs/argo-cd/index.ts';
import { part } from '../../support/chart.ts';
import { unknownPaths } from '../../support/chart-paths.ts';
import { everyArgoCdOption } from './example.ts';

const chart = 'argo-cd-10.1.1';
const values = argoCdValues(everyArgoCdOption);
const { login: _login, operators: _operators, ...plainOptions } = everyArgoCdOption;
const plain = argoCdValues(plainOptions);

test('every value is one that the chart knows', () => {
  expect(unknownPaths(chart, values)).toEqual([]);
  expect(unknownPaths(chart, { server: { insecure: true } })).toEqual(['server.insecure']);
});

test('TLS ends at the ingress controller; the chart makes neither Ingress nor NetworkPolicies', () => {
  expect(part(values, 'configs', 'params', 'server.insecure')).toBe(true);
  expect(part(values, 'server', 'ingress')).toEqual({ enabled: false });
  expect(part(values, 'global', 'networkPolicy')).toEqual({ create: false });
});

describe('rights', () => {
  test('are to read, for everybody who logs in', () => {
    expect(part(values, 'configs', 'rbac', 'policy.default')).toBe('role:readonly');
    expect(part(plain, 'configs', 'rbac', 'policy.csv')).not.toMatch(/^[pg],/m);
    expect(part(values, 'configs', 'cm', 'users.anonymous.enabled')).toBe(false);
  });

  test('to sync hold for the listed Applications only', () => {
    expect(part(values, 'configs', 'rbac', 'policy.csv')).toBe(
      'p, role:operator, applications, sync, apps/app-beta, allow\ng, "ada@example.org", role:operator\n',
    );
  });

  test('of the server itself are to read: it can neither delete nor patch for a user', () => {
    const rules = part<{ verbs: string[] }[]>(values, 'server', 'clusterRoleRules', 'rules');
    expect([...new Set(rules.flatMap((rule) => rule.verbs))]).toEqual(['get', 'list']);
  });
});

test('health of Stages and Ingresses holds nothing up, and there is no rule for Applications', () => {
  const rules = Object.keys(part<object>(values, 'configs', 'cm')).filter((key) => key.includes('.health.'));
  expect(rules).toEqual([
    'resource.customizations.health.kargo.akuity.io_Project',
    'resource.customizations.health.kargo.akuity.io_Stage',
    'resource.customizations.health.kargo.akuity.io_Warehouse',
    'resource.customizations.health.networking.k8s.io_Ingress',
  ]);
});

test('log-in by OpenID Connect names its secret, and is off where there is none', () => {
  expect(load(part<string>(values, 'configs', 'cm', 'oidc.config'))).toEqual({
    name: 'Gitea',
    issuer: 'http://10.0.0.1:30300',
    clientID: '$argocd-oidc-gitea:clientID',
    clientSecret: '$argocd-oidc-gitea:clientSecret',
    requestedScopes: ['openid', 'profile', 'email', 'groups'],
  });
  expect(part(plain, 'configs', 'cm')).not.toHaveProperty('oidc.config');
});

test('values hold no secret: the set-up makes it', () => {
  expect(part(values, 'configs', 'secret')).toEqual({ createSecret: false });
});

test('what is not used does not run', () => {
  expect(values).toMatchObject({
    applicationSet: { replicas: 0 },
    dex: { enabled: false },
    notifications: { enabled: false },
  });
});

test('the release is pinned', () => {
  expect(argoCdRelease('10.1.1')).toMatchObject({ name: 'argocd', namespace: 'argocd', version: '10.1.1' });
});

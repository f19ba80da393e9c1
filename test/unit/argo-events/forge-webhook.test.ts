import { expect, test } from 'vitest';
import { ForgeWebhook, type ForgeWebhookProps, pushParameters } from '../../../constructs/argo-events/index.ts';
import { objectsOf, only, part } from '../../support/chart.ts';

const props: ForgeWebhookProps = {
  forge: 'hub',
  kind: 'github',
  port: 12000,
  path: '/hub/push',
  host: 'hook.example.com',
  organisations: ['metasync'],
  gateway: { name: 'gateway', namespace: 'gateways', proxyNamespace: 'proxies' },
  dispatcher: { name: 'dispatcher', parameters: pushParameters },
  accounts: { eventSource: 'source', sensor: 'sensor' },
  eventBus: 'default',
  ownPushers: ['bot+ci@example.com'],
};
const make = (change: Partial<ForgeWebhookProps> = {}) =>
  objectsOf((chart) => new ForgeWebhook(chart, 'W', { ...props, ...change }), { namespace: 'control' });

test('the endpoint is reached from the proxies of the gateway and from nowhere else', () => {
  const policy = only(make(), 'NetworkPolicy');
  expect(part(policy, 'spec', 'ingress')).toEqual([
    {
      from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'proxies' } } }],
      ports: [{ port: 12000, protocol: 'TCP' }],
    },
  ]);
});

test('only POST to exactly the path is let through', () => {
  const [rule] = part<Array<{ matches: unknown }>>(only(make(), 'HTTPRoute'), 'spec', 'rules');
  expect(rule?.matches).toEqual([{ method: 'POST', path: { type: 'Exact', value: '/hub/push' } }]);
});

test('a signature is checked for GitHub, a bearer token for Azure DevOps', () => {
  const event = (kind: ForgeWebhookProps['kind']) => part<object>(only(make({ kind }), 'EventSource'), 'spec');
  const key = { name: 'webhook-hub', key: 'secret' };
  expect(event('github')).toMatchObject({ github: { push: { webhookSecret: key } } });
  expect(event('azure-devops-server')).toMatchObject({ webhook: { push: { authSecret: key } } });
});

test('the event source of GitHub passes its own check, also before a tenant uses the forge', () => {
  const organizations = (organisations: readonly string[]) =>
    part<string[]>(only(make({ organisations }), 'EventSource'), 'spec', 'github', 'push', 'organizations');
  expect(organizations(['metasync'])).toEqual(['metasync']);
  expect(organizations([])).toEqual(['hub']);
});

test('the name of the own user is taken literally', () => {
  const filters = JSON.stringify(part(only(make(), 'Sensor'), 'spec', 'dependencies'));
  expect(filters).toContain('^(bot\\\\+ci@example\\\\.com)$');
});

test('a path that is none and a dispatcher that lacks a parameter are refused', () => {
  expect(() => make({ path: 'hub' })).toThrow(/"hub" is no path; write it like \/github\/push/);
  expect(() => make({ dispatcher: { name: 'dispatcher', parameters: ['url'] } })).toThrow(
    /dispatcher has no parameter forge, ref, revision/,
  );
});

import { describe, expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { type Route, SecureIngress, type SecureIngressProps } from '../../../constructs/ingress/index.ts';
import {
  AllowIngress,
  DefaultDeny,
  fromAnywhere,
  fromNamespace,
  fromPods,
  fromRange,
  fromSameNamespace,
  fromTraefik,
  type WayIn,
} from '../../../constructs/network/index.ts';
import { objectNamed, objectsIn } from '../../support/rendered.ts';

describe('network policies', () => {
  function allowed(ways: readonly WayIn[]) {
    const output = new SystemOutput('demo');
    new AllowIngress(output.chart('network', { namespace: 'ci' }), 'In', {
      name: 'server',
      to: { app: 'server' },
      ways,
    });
    return objectNamed(output.files(), 'NetworkPolicy', 'server', 'ci').spec as {
      ingress: Array<Record<string, unknown>>;
      podSelector: unknown;
    };
  }

  test('deny every way in by default, and no way out', () => {
    const output = new SystemOutput('demo');
    new DefaultDeny(output.chart('network', { namespace: 'ci' }), 'Deny');
    expect(objectNamed(output.files(), 'NetworkPolicy', 'default-deny-ingress', 'ci').spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress'],
    });
  });

  test('let Traefik, pods, namespaces and ranges in on exactly the given ports', () => {
    const from = [
      fromTraefik(),
      fromPods({ app: 'agent' }),
      fromNamespace('git'),
      fromRange('10.1.1.0/24'),
      fromSameNamespace(),
    ];
    expect(allowed([{ from, ports: [8000, 'metrics'] }])).toMatchObject({
      podSelector: { matchLabels: { app: 'server' } },
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              podSelector: { matchLabels: { 'app.kubernetes.io/name': 'traefik' } },
            },
            { podSelector: { matchLabels: { app: 'agent' } } },
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'git' } } },
            { ipBlock: { cidr: '10.1.1.0/24' } },
            { podSelector: {} },
          ],
          ports: [
            { port: 8000, protocol: 'TCP' },
            { port: 'metrics', protocol: 'TCP' },
          ],
        },
      ],
    });
  });

  test('"anywhere" has no source at all, so that node addresses pass too, but still a port', () => {
    expect(allowed([{ from: [fromPods({ app: 'x' }), fromAnywhere()], ports: [9443] }]).ingress).toEqual([
      { ports: [{ port: 9443, protocol: 'TCP' }] },
    ]);
  });

  test('refuse an empty list, which Kubernetes would read as everything', () => {
    expect(() => allowed([{ from: [], ports: [1] }])).toThrow(/needs a source and a port/);
    expect(() => allowed([{ from: [fromAnywhere()], ports: [] }])).toThrow(/needs a source and a port/);
  });
});

describe('an ingress', () => {
  function ingress(routes: readonly Route[], props: Partial<SecureIngressProps> = {}) {
    const output = new SystemOutput('demo');
    new SecureIngress(output.chart('ingress', { namespace: 'ci' }), 'Ingress', {
      name: 'dashboard',
      host: 'ci.example.org',
      routes,
      ...props,
    });
    return output.files();
  }
  const routes: readonly Route[] = [
    { service: 'server', port: 'http' },
    { path: '/api', service: 'api', port: 8080 },
  ];

  test('has TLS from the issuer and listens on the secure entry point', () => {
    const { metadata, spec } = objectNamed(ingress(routes), 'Ingress', 'dashboard', 'ci');
    expect(metadata.annotations).toMatchObject({
      'cert-manager.io/cluster-issuer': 'ca-issuer',
      'traefik.ingress.kubernetes.io/router.entrypoints': 'websecure',
    });
    expect(spec).toEqual({
      ingressClassName: 'traefik',
      tls: [{ hosts: ['ci.example.org'], secretName: 'dashboard-tls' }],
      rules: [
        {
          host: 'ci.example.org',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'server', port: { name: 'http' } } } },
              { path: '/api', pathType: 'Prefix', backend: { service: { name: 'api', port: { number: 8080 } } } },
            ],
          },
        },
      ],
    });
  });

  test('redirects plain HTTP by a middleware of its own namespace', () => {
    const files = ingress(routes);
    expect(objectNamed(files, 'Middleware', 'dashboard-redirect', 'ci').spec).toEqual({
      redirectScheme: { scheme: 'https', permanent: true },
    });
    expect(objectNamed(files, 'Ingress', 'dashboard-redirect', 'ci').metadata.annotations).toEqual({
      'traefik.ingress.kubernetes.io/router.entrypoints': 'web',
      'traefik.ingress.kubernetes.io/router.middlewares': 'ci-dashboard-redirect@kubernetescrd',
    });
    expect(objectsIn(ingress(routes, { redirectHttp: false }))).toHaveLength(1);
  });

  test('refuses no route, and two for one path', () => {
    expect(() => ingress([])).toThrow(/has no route/);
    expect(() => ingress([...routes, { path: '/api', service: 'other', port: 1 }])).toThrow(
      /two routes for Prefix \/api/,
    );
  });
});

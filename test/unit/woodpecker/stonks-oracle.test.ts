import { expect, test } from 'vitest';
import { podSpecsOf } from '../../support/references.ts';
import { objectNamed, objectsIn, renderedFiles } from '../../support/rendered.ts';

const files = renderedFiles('stonks-oracle');

interface Container {
  readonly image: string;
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value?: string }>;
}

function variable(kind: string, name: string, wanted: string): string | undefined {
  const containers = podSpecsOf(objectNamed(files, kind, name, 'woodpecker')).flatMap(
    (pod) => pod['containers'] as Container[],
  );
  return containers.flatMap(({ env }) => env ?? []).find((entry) => entry.name === wanted)?.value;
}

test('server and agents are Deployments in the namespace woodpecker', () => {
  expect(objectNamed(files, 'Deployment', 'woodpecker-server', 'woodpecker').spec).toMatchObject({ replicas: 1 });
  const { replicas } = objectNamed(files, 'Deployment', 'woodpecker-agent', 'woodpecker').spec as { replicas: number };
  expect(replicas).toBeGreaterThanOrEqual(1);
});

test('the server authenticates with Gitea, and the agents find the server', () => {
  expect(variable('Deployment', 'woodpecker-server', 'WOODPECKER_GITEA_URL')).toBe('http://10.1.1.12:30300');
  expect(variable('Deployment', 'woodpecker-server', 'WOODPECKER_OPEN')).toBe('true');
  expect(variable('Deployment', 'woodpecker-agent', 'WOODPECKER_SERVER')).toBe(
    'woodpecker-server.woodpecker.svc.cluster.local:9000',
  );
  expect(variable('Deployment', 'woodpecker-agent', 'WOODPECKER_BACKEND_K8S_NAMESPACE')).toBe('woodpecker-steps');
});

test('the dashboard is at stonks-ci.celestium.life with a certificate of ca-issuer', () => {
  const ingress = objectNamed(files, 'Ingress', 'woodpecker', 'woodpecker');
  expect(ingress.metadata.annotations).toMatchObject({
    'cert-manager.io/cluster-issuer': 'ca-issuer',
    'traefik.ingress.kubernetes.io/router.entrypoints': 'websecure',
  });
  expect(ingress.spec).toMatchObject({
    ingressClassName: 'traefik',
    rules: [{ host: 'stonks-ci.celestium.life' }],
    tls: [{ hosts: ['stonks-ci.celestium.life'] }],
  });
});

test('Traefik and Gitea reach the server on 8000, agents on 9000, and the namespace is closed otherwise', () => {
  const { ingress } = objectNamed(files, 'NetworkPolicy', 'woodpecker-server', 'woodpecker').spec as {
    ingress: Array<{ from: unknown; ports: Array<{ port: number }> }>;
  };
  expect(ingress.map((rule) => rule.ports.map(({ port }) => port))).toEqual([[8000], [9000]]);
  expect(JSON.stringify(ingress[0]?.from)).toContain('"app.kubernetes.io/name":"traefik"');
  expect(JSON.stringify(ingress[0]?.from)).toContain('"kubernetes.io/metadata.name":"git-server"');
  expect(objectNamed(files, 'NetworkPolicy', 'default-deny-ingress', 'woodpecker')).toBeDefined();
  expect(objectNamed(files, 'NetworkPolicy', 'default-deny-ingress', 'woodpecker-steps')).toBeDefined();
});

test('only the integration-test step of the application on main may use the test account', () => {
  const policy = JSON.stringify(objectNamed(files, 'ValidatingAdmissionPolicy', 'woodpecker-steps').spec);
  for (const part of ["'woodpecker-inttest'", "['main']", "['integration-test']", "['stonks-oracle']"]) {
    expect(policy).toContain(part);
  }
  const binding = objectsIn(files).find(
    ({ kind, metadata }) => kind === 'ClusterRoleBinding' && metadata.name === 'woodpecker-inttest',
  );
  expect(binding?.['subjects']).toEqual(
    expect.arrayContaining([
      { kind: 'ServiceAccount', namespace: 'woodpecker', name: 'woodpecker-agent' },
      { kind: 'ServiceAccount', namespace: 'woodpecker-steps', name: 'woodpecker-inttest' },
    ]),
  );
});

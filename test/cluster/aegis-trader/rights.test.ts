import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Plane, startPlane } from '../../support/plane.ts';
import { context, objectsIn, renderedFiles, systemNamed } from '../../support/rendered.ts';

const account = 'system:serviceaccount:aegis-staging:ci-deployer';

describe('the account that AegisTrader is deployed with, on a real API server', () => {
  let plane: Plane;

  beforeAll(async () => {
    plane = await startPlane({ crds: ['argo-cd'], controllers: false });
    const objects = objectsIn(renderedFiles('aegis-trader'));
    await plane.apply([...objects].sort((a, b) => Number(b.kind === 'Namespace') - Number(a.kind === 'Namespace')));
  });
  afterAll(() => plane?.stop());

  /** @param what a resource, or `resource:subresource` */
  const can = async (verb: string, what: string, namespace: string) => {
    const [resource = '', subresource] = what.split(':');
    const part = subresource === undefined ? [] : ['--subresource', subresource];
    const answer = await plane.kubectl([
      ...['auth', 'can-i', verb, resource, ...part, '--namespace', namespace, '--as', account],
    ]);
    return answer.stdout.trim();
  };

  it.each([
    ['create', 'deployments.apps'],
    ['patch', 'statefulsets.apps'],
    ['create', 'secrets'],
    ['delete', 'jobs.batch'],
    ['get', 'pods:log'],
    ['create', 'pods:exec'],
    ['create', 'pods:portforward'],
    ['get', 'namespaces/aegis-staging'],
  ])('may %s %s in its namespace', async (verb, resource) => {
    expect(await can(verb, resource, 'aegis-staging')).toBe('yes');
  });

  it.each([
    ['get', 'secrets', 'default'],
    ['create', 'deployments.apps', 'kube-system'],
    ['create', 'rolebindings.rbac.authorization.k8s.io', 'aegis-staging'],
    ['delete', 'networkpolicies.networking.k8s.io', 'aegis-staging'],
    ['create', 'pods', 'aegis-staging'],
    ['create', 'namespaces', 'aegis-staging'],
    ['patch', 'namespaces/aegis-staging', 'aegis-staging'],
    ['create', 'serviceaccounts:token', 'aegis-staging'],
  ])('may not %s %s in %s', async (verb, resource, namespace) => {
    expect(await can(verb, resource, namespace)).toBe('no');
  });

  it('is not there when Argo CD deploys, whose objects the API server accepts', async () => {
    const pull = { way: 'pull', branch: 'deploy/staging', argoCd: 'argocd' };
    const files = systemNamed('aegis-trader').render(context, (facts) => ({ ...(facts as object), delivery: pull }));
    const objects = objectsIn(files);
    expect(objects.map(({ kind }) => kind)).not.toContain('ServiceAccount');
    await plane.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }]);
    await plane.apply(objects);
    const found = await plane.kubectl(['get', 'applications.argoproj.io', '-n', 'argocd', '-o', 'name']);
    expect(found.stdout).toContain('aegis-staging');
  });
});

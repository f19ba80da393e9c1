import { expect, test } from 'vitest';
import { SystemOutput } from '../../../constructs/core/index.ts';
import { deskHistoryLink, PromotionDesk, type PromotionDeskProps } from '../../../constructs/desk/index.ts';
import { deskSettings } from '../../../model/desk/settings.ts';
import { chain, image } from '../../support/desk/world.ts';

const props: PromotionDeskProps = {
  host: 'kargo.example.org',
  project: 'stonks-pipeline',
  stages: chain,
  program: 'console.log("desk")',
  browserCode: { page: 'page', dashboard: 'dashboard' },
  image: { repository: 'docker.io/library/node', tag: '22.12.0-bookworm-slim' },
  recorderUrl: 'http://audit-recorder.kargo.svc:8080',
  watchedImage: image,
  commitUrl: 'https://git.example.org/stonks/stonks-oracle/commit/{tag}',
};

function render(change: Partial<PromotionDeskProps> = {}) {
  const output = new SystemOutput('demo');
  const desk = new PromotionDesk(output.chart('gitops/platform/desk', { namespace: 'kargo' }), 'Desk', {
    ...props,
    ...change,
  });
  const { objects } = output.files()[0]!;
  // biome-ignore lint/suspicious/noExplicitAny: any kind of object
  const find = (kind: string, name = 'promotion-desk'): any =>
    objects.find((one) => one.kind === kind && one.metadata.name.startsWith(name));
  return { desk, objects, find };
}

test('Kargo’s host: API, log-in and assets straight to Kargo, web hooks to their receiver, documents through the desk', () => {
  const { find, desk } = render();
  const routes = find('Ingress', 'kargo').spec.rules[0].http.paths.map(
    (one: { path: string; pathType: string; backend: { service: { name: string } } }) =>
      `${one.pathType} ${one.path} ${one.backend.service.name}`,
  );
  expect(routes).toEqual([
    'Prefix /v1beta1 kargo-api',
    'Prefix /akuity.io.kargo.service.v1alpha1.KargoService kargo-api',
    'Prefix /dex kargo-api',
    'Prefix /assets kargo-api',
    'Prefix /fonts kargo-api',
    'Exact /healthz kargo-api',
    'Prefix /webhooks kargo-external-webhooks-server',
    'Prefix / promotion-desk',
  ]);
  expect(find('Ingress', 'kargo').metadata.annotations['cert-manager.io/cluster-issuer']).toBe('ca-issuer');
  expect(desk.url).toBe('https://kargo.example.org/desk/');
});

test('two pods that keep nothing, restricted, without any right in the cluster', () => {
  const { find, objects } = render();
  const { spec } = find('Deployment');
  expect(spec.replicas).toBe(2);
  expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
  const pod = spec.template.spec;
  expect(pod.automountServiceAccountToken).toBe(false);
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  expect(pod.containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
  });
  expect(find('ServiceAccount').automountServiceAccountToken).toBe(false);
  expect(find('PodDisruptionBudget').spec.minAvailable).toBe(1);
  const kinds = new Set(objects.map((one) => one.kind));
  for (const kind of ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'Secret', 'PersistentVolumeClaim']) {
    expect(kinds).not.toContain(kind);
  }
});

test('only Traefik reaches the pods', () => {
  const { find } = render();
  expect(find('NetworkPolicy').spec.ingress).toEqual([
    {
      from: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
          podSelector: { matchLabels: { 'app.kubernetes.io/name': 'traefik' } },
        },
      ],
      ports: [{ port: 8080, protocol: 'TCP' }],
    },
  ]);
});

test('the program gets the very gates of the props, and reads them', () => {
  const { find } = render();
  const { data, immutable } = find('ConfigMap');
  expect(immutable).toBe(true);
  expect(Object.keys(data).sort()).toEqual(['desk-dashboard.js', 'desk-page.js', 'desk.cjs', 'settings.json']);
  const settings = deskSettings.parse(JSON.parse(data['settings.json']));
  expect(settings.stages).toEqual(chain);
  expect(settings).toMatchObject({ kargoUrl: 'http://kargo-api.kargo.svc:80', recorderUrl: props.recorderUrl, image });
});

test('a setting that the program would not take is refused when it is rendered', () => {
  expect(() => render({ commitUrl: 'git.example.org' })).toThrow(
    /settings of the promotion desk: 1 problem[\s\S]*commitUrl/,
  );
});

test('one replica has no budget that would block a drain; without receiver its path goes to the desk', () => {
  const { objects, find } = render({ replicas: 1, externalWebhooks: false });
  expect(objects.map((one) => one.kind)).not.toContain('PodDisruptionBudget');
  const paths = find('Ingress', 'kargo').spec.rules[0].http.paths.map((one: { path: string }) => one.path);
  expect(paths).not.toContain('/webhooks');
});

test('Kargo’s own links lead to the history of their stage', () => {
  expect(deskHistoryLink('kargo.example.org').url).toBe(
    'https://kargo.example.org/desk/history?stage={{ .stage.metadata.name }}',
  );
});

import { describe, expect, it } from 'vitest';
import { type KubernetesObject, SystemOutput } from '../../../constructs/core/index.ts';
import { fromPods } from '../../../constructs/network/index.ts';
import { AuditRecorder, type AuditRecorderProps, recorderAlerts } from '../../../constructs/recorder/index.ts';
import { metricsText } from '../../../runtime/recorder/metrics.ts';
import { recorderSettings } from '../../../runtime/recorder/settings.ts';

const credentials = {
  namespace: 'kargo',
  name: 'forge-audit',
  keys: ['username', 'password'],
  provenance: 'forge-setup',
  purpose: 'pushes branch audit',
} as const;

const props: AuditRecorderProps = {
  image: { repository: 'registry.celestium.life/mirror/node', tag: '20.19.5-bookworm-slim' },
  program: 'console.log(1)',
  project: 'stonks-pipeline',
  claimName: 'kargo-state',
  snapshotFolder: 'snapshots',
  anchor: { forgeUrl: 'http://10.1.1.12:30300', owner: 'stonks', repository: 'pipelines', credentials },
  readers: [fromPods({ 'app.kubernetes.io/name': 'promotion-desk' })],
};

function render(change: Partial<AuditRecorderProps> = {}): {
  recorder: AuditRecorder;
  objects: readonly KubernetesObject[];
} {
  const output = new SystemOutput('test');
  const recorder = new AuditRecorder(output.chart('recorder', { namespace: 'kargo' }), 'Recorder', {
    ...props,
    ...change,
  });
  return { recorder, objects: output.files()[0]!.objects };
}

// biome-ignore lint/suspicious/noExplicitAny: rendered objects have every shape
const ofKind = (objects: readonly KubernetesObject[], kind: string): any[] =>
  objects.filter((object) => object.kind === kind);

describe('the recorder in the cluster', () => {
  const { recorder, objects } = render();

  it('runs once, restricted, and is replaced only after it has ended', () => {
    const [deployment] = ofKind(objects, 'Deployment');
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    const pod = deployment.spec.template.spec;
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.volumes.map((volume: { name: string }) => volume.name)).toEqual(['program', 'state', 'forge']);
  });

  it('may read what it records and write its lease, nothing else', () => {
    const rules = [...ofKind(objects, 'Role'), ...ofKind(objects, 'ClusterRole')].flatMap((role) => role.rules);
    const writing = rules.filter((rule) => rule.verbs.some((verb: string) => !['get', 'list', 'watch'].includes(verb)));
    expect(writing.map((rule) => [rule.resources, rule.verbs])).toEqual([
      [['leases'], ['create']],
      [['leases'], ['get', 'update']],
    ]);
    expect(writing[1].resourceNames).toEqual(['audit-recorder']);
    expect(JSON.stringify(rules)).not.toMatch(/secrets|"\*"/);
    expect(ofKind(objects, 'Role').map((role) => role.metadata.namespace)).toEqual(['stonks-pipeline', 'kargo']);
  });

  it('gives the program settings that it accepts', () => {
    const [config] = ofKind(objects, 'ConfigMap');
    const settings = recorderSettings.parse(JSON.parse(config.data['settings.json']));
    expect(settings).toMatchObject({
      project: 'stonks-pipeline',
      folder: '/state/audit',
      snapshotFolder: '/state/snapshots',
      lease: { namespace: 'kargo', name: 'audit-recorder' },
      anchor: { branch: 'audit', userFile: '/run/secrets/forge/username' },
    });
    expect(
      recorderSettings.parse(
        JSON.parse(
          ofKind(render({ anchor: undefined, snapshotFolder: undefined }).objects, 'ConfigMap')[0].data[
            'settings.json'
          ],
        ),
      ).anchor,
    ).toBeUndefined();
  });

  it('is reached by the desk only', () => {
    const [policy] = ofKind(objects, 'NetworkPolicy');
    expect(policy.spec.ingress).toEqual([
      {
        from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'promotion-desk' } } }],
        ports: [{ protocol: 'TCP', port: 8080 }],
      },
    ]);
    expect(recorder.url).toBe('http://audit-recorder.kargo.svc:8080');
    expect(recorder.secrets).toEqual([credentials]);
  });

  it('refuses credentials that it could not read, and paths that leave the volume', () => {
    const anchor = (change: object) => ({ anchor: { ...props.anchor!, credentials: { ...credentials, ...change } } });
    expect(() => render(anchor({ namespace: 'argocd' }))).toThrow(
      'a pod reads Secrets of its own namespace, kargo, only',
    );
    expect(() => render(anchor({ keys: ['token'] }))).toThrow('has no key username and password');
    expect(() => render({ folder: '../x' })).toThrow('give one plain name');
  });
});

describe('alerts', () => {
  it('name metrics that the recorder has', async () => {
    const { RecorderService } = await import('../../../runtime/recorder/service.ts');
    const known = { head: { seq: 1, hash: '' }, counts: new Map(), breakGlass: new Map(), loaded: true, onAppend() {} };
    const state = { pending: 0, writeFailures: 0, following: { Stage: true }, gateObjects: 1 };
    const service = new RecorderService({
      log: known as never,
      recorder: { state } as never,
      lease: { held: true } as never,
      messages: { info() {}, warn() {} },
      verifyEveryMinutes: 1,
    });
    const names = new Set(service.metrics().map((metric) => metric.name));
    const used = recorderAlerts().groups.flatMap((group) =>
      group.rules.flatMap((rule) => rule.expr.match(/pipelines_recorder_[a-z_]+/g) ?? []),
    );
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((name) => !names.has(name))).toEqual([]);
  });

  it('are fed by the text format of Prometheus', () => {
    const text = metricsText([
      { name: 'a_total', help: 'A.', type: 'counter', samples: [{ labels: { stage: 'x"\\\n' }, value: 2 }] },
      { name: 'b', help: 'B.', type: 'gauge', samples: [] },
    ]);
    expect(text).toBe('# HELP a_total A.\n# TYPE a_total counter\na_total{stage="x\\"\\\\\\n"} 2\n');
  });
});

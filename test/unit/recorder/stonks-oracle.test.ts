import { describe, expect, it } from 'vitest';
import { gateClientSettings } from '../../../model/gate-client/settings.ts';
import { recorderSettings } from '../../../runtime/recorder/settings.ts';
import { fileText, objectNamed, objectsIn, renderedFiles } from '../../support/rendered.ts';

// biome-ignore lint/suspicious/noExplicitAny: rendered objects have every shape
type Any = any;
const files = renderedFiles('stonks-oracle');
const recorder = objectNamed(files, 'Deployment', 'audit-recorder', 'kargo') as Any;
const pod = recorder.spec.template.spec;

describe('the audit trail of Stonks Oracle', () => {
  it("is kept on Kargo's own volume of the NFS share, which outlives the cluster", () => {
    const claimName = pod.volumes.find((volume: Any) => volume.persistentVolumeClaim).persistentVolumeClaim.claimName;
    const claim = objectNamed(files, 'PersistentVolumeClaim', claimName, 'kargo') as Any;
    const volume = objectNamed(files, 'PersistentVolume', claim.spec.volumeName) as Any;
    expect(volume.spec.nfs).toEqual({ server: '192.168.42.8', path: '/volume1/Kubernetes/pipelines/kargo' });
    expect(volume.spec.persistentVolumeReclaimPolicy).toBe('Retain');
  });

  it('records the project, is anchored in branch audit of pipelines, and is read by the desk', () => {
    const config = objectNamed(files, 'ConfigMap', pod.volumes[0].configMap.name, 'kargo') as Any;
    const settings = recorderSettings.parse(JSON.parse(config.data['settings.json']));
    expect(settings).toMatchObject({
      project: 'stonks-pipeline',
      folder: '/state/audit',
      anchor: { repository: 'pipelines', branch: 'audit' },
    });
    const policy = objectNamed(files, 'NetworkPolicy', 'audit-recorder', 'kargo') as Any;
    const readers = policy.spec.ingress[0].from[0].podSelector.matchLabels;
    const desk = objectsIn(files).find(
      (object) => object.kind === 'Deployment' && object.metadata.name.includes('desk'),
    ) as Any;
    expect(desk.spec.template.metadata.labels).toMatchObject(readers);
  });

  it('covers every policy and binding of the gate', () => {
    const config = objectNamed(files, 'ConfigMap', pod.volumes[0].configMap.name, 'kargo') as Any;
    const selector = recorderSettings.parse(JSON.parse(config.data['settings.json'])).gateSelector!;
    const wanted = Object.fromEntries(selector.split(',').map((part) => part.split('=') as [string, string]));
    expect(Object.keys(wanted)).toHaveLength(2);
    const gate = objectsIn(files).filter(
      ({ kind, metadata }) => /^ValidatingAdmissionPolicy(Binding)?$/.test(kind) && /gate-/.test(metadata.name),
    );
    expect(gate.length).toBeGreaterThan(10);
    for (const object of gate) expect(object.metadata.labels, object.metadata.name).toMatchObject(wanted);
  });

  it('gives the command line its settings', () => {
    const settings = gateClientSettings.parse(JSON.parse(fileText(files, 'gate.json')));
    expect(settings).toMatchObject({ project: 'stonks-pipeline', kargoUrl: 'https://stonks-kargo.celestium.life' });
    expect(settings.stages.map((stage) => stage.name)).toEqual(['ci', 'beta', 'paper', 'live']);
    expect(settings.stages.find((stage) => stage.name === 'live')?.gate).toMatchObject({
      note: 'required',
      window: { timeZone: 'America/New_York' },
    });
  });
});

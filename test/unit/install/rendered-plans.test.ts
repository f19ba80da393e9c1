import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../../constructs/core/index.ts';
import { installPhases, teardownPhases } from '../../../model/install-plan/index.ts';
import { systems } from '../../../systems/index.ts';
import { renderedFiles } from '../../support/rendered.ts';

/** Systems that are installed by the scripts. */
const installed = systems
  .map((system) => system.name)
  .filter((name) => renderedFiles(name).some((file) => file.path === 'install/plan.tsv'));

interface Line {
  readonly phase: string;
  readonly verb: string;
  readonly fields: Readonly<Record<string, string>>;
}

function plan(system: string, file: string): readonly Line[] {
  const text = renderedFiles(system).find((candidate) => candidate.path === file)?.content ?? '';
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [phase = '', verb = '', ...fields] = line.split('\t');
      const pairs = fields.map((field): [string, string] => {
        const at = field.indexOf('=');
        return [field.slice(0, at), field.slice(at + 1)];
      });
      return { phase, verb, fields: Object.fromEntries(pairs) };
    });
}

function objectsAt(system: string, place: string): readonly KubernetesObject[] {
  return renderedFiles(system)
    .filter((file) => file.path === place || file.path.startsWith(`${place}/`))
    .flatMap((file) => file.objects);
}

/** Jobs of a plan line, as [path, namespace, name]. */
function jobsOf({ verb, fields }: Line): ReadonlyArray<readonly string[]> {
  if (verb === 'job') return [[fields.path ?? '', fields.namespace ?? '', fields.name ?? '']];
  if (verb === 'final-snapshot') return (fields.jobs ?? '').split(',').map((job) => job.split('|'));
  if (verb === 'secret' && fields['state-probe']) return [fields['state-probe'].split('|')];
  return [];
}

interface PodVolume {
  readonly secret?: { readonly secretName: string; readonly optional?: boolean };
}

interface JobPod {
  readonly spec: { readonly template: { readonly spec: { readonly volumes?: readonly PodVolume[] } } };
}

it('exist for the main system', () => {
  expect(installed).toContain('stonks-oracle');
});

describe.each(installed)('the plans of %s', (system) => {
  const install = plan(system, 'install/plan.tsv');
  const teardown = plan(system, 'teardown/plan.tsv');
  /** Whether the system keeps state on volumes of its own, with snapshots; one on a platform that is there already does not. */
  const stateful = objectsAt(system, 'install/state').length > 0;
  // Not `runIf`: the gate takes a skipped test for a failed one.
  const whenStateful = (title: string, test: () => void) => {
    if (stateful) it(title, test);
  };

  it('use only verbs that the scripts know, with the fields that they read', () => {
    const folder = fileURLToPath(new URL('../../../install', import.meta.url));
    const scripts = readdirSync(folder)
      .filter((name) => name.endsWith('.sh'))
      .map((name) => readFileSync(path.join(folder, name), 'utf8'))
      .join('\n');
    const verbs = new Set([...install, ...teardown].map((line) => line.verb));
    expect(verbs.size).toBeGreaterThan(stateful ? 20 : 10);
    for (const verb of verbs) expect(scripts, verb).toContain(`verb_${verb.replaceAll('-', '_')}() {`);
    for (const { fields } of [...install, ...teardown]) {
      for (const key of Object.keys(fields)) {
        // Scale sets are found by what is installed; the type of a workload is part of its name.
        if (key === 'scale-sets') continue;
        expect(scripts, key).toMatch(new RegExp(`step\\[${key}\\]|step\\[${key}:`));
      }
    }
  });

  it('keep the order of the phases', () => {
    for (const [lines, order] of [
      [install, installPhases],
      [teardown, teardownPhases],
    ] as const) {
      const places = lines.map((line) => (order as readonly string[]).indexOf(line.phase));
      expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });

  whenStateful('name Jobs that are in their files', () => {
    let jobs = 0;
    for (const line of [...install, ...teardown]) {
      for (const [place = '', namespace, name] of jobsOf(line)) {
        if (place.startsWith('cronjob/')) {
          const cronJobs = renderedFiles(system).flatMap((file) =>
            file.objects.filter((one) => one.kind === 'CronJob'),
          );
          expect(cronJobs.map((one) => `cronjob/${one.metadata.name}`)).toContain(place);
          continue;
        }
        const found = objectsAt(system, place).filter((object) => object.kind === 'Job');
        expect(
          found.map(({ metadata }) => [metadata.namespace, metadata.name]),
          place,
        ).toEqual([[namespace, name]]);
        jobs += 1;
      }
    }
    expect(jobs).toBeGreaterThan(0);
  });

  it('make every Secret before a Job mounts it: its pod would wait for it until the time-out', () => {
    const known = new Set<string>();
    for (const line of install) {
      for (const [place = '', namespace] of jobsOf(line)) {
        for (const object of objectsAt(system, place).filter(({ kind }) => kind === 'Job')) {
          const { volumes = [] } = (object as unknown as JobPod).spec.template.spec;
          for (const { secret } of volumes) {
            if (secret === undefined || secret.optional) continue;
            expect([...known], `${object.metadata.name} of ${place}`).toContain(`${namespace}/${secret.secretName}`);
          }
        }
      }
      if (line.verb === 'secret') known.add(`${line.fields.namespace}/${line.fields.name}`);
      if (line.verb === 'expect-secrets') for (const name of line.fields.names?.split(',') ?? []) known.add(name);
    }
    expect(known.size).toBeGreaterThan(0);
  });

  whenStateful('look into the last snapshot before they generate anything but its key', () => {
    const restore = install.findIndex((line) => line.verb === 'job' && line.fields.when === 'secrets-missing');
    expect(restore).toBeGreaterThan(0);
    const early = install
      .slice(0, restore)
      .filter((line) => line.verb === 'secret' && line.fields.keys?.includes(':random'))
      .map((line) => line.fields.name);
    expect([...new Set(early)]).toEqual(['state-key']);
  });

  it('never delete a volume, the forge, or a namespace with workloads of a stage', () => {
    const deleted = teardown.flatMap((line) =>
      line.verb === 'delete-namespaces' ? (line.fields.names ?? '').split(',') : [],
    );
    const seeded = install.flatMap((line) => (line.verb === 'seed-branch' ? [line.fields.namespace ?? ''] : []));
    expect(deleted.length).toBeGreaterThan(0);
    if (stateful) expect(seeded.length).toBeGreaterThan(0);
    for (const name of [...seeded, 'git-server', 'default', 'kube-system']) expect(deleted).not.toContain(name);
    const kinds = teardown.flatMap((line) =>
      line.verb === 'delete-labelled' ? (line.fields.kinds ?? '').split(',') : [],
    );
    for (const kind of kinds) expect(kind).not.toMatch(/persistentvolume|customresourcedefinition|namespace/);
  });

  whenStateful('clear exactly the volumes that are rendered, on the way in and on the way out', () => {
    const rendered = renderedFiles(system)
      .flatMap((file) => file.objects)
      .filter((object) => object.kind === 'PersistentVolume')
      .map((object) => object.metadata.name)
      .sort();
    expect(rendered.length).toBeGreaterThan(0);
    for (const lines of [install, teardown]) {
      const cleared = lines.flatMap((line) =>
        line.verb === 'clear-released-volumes' ? (line.fields.names ?? '').split(',') : [],
      );
      expect(cleared.sort()).toEqual(rendered);
    }
  });

  it('remove every namespace that the install makes, but for those that hold a project or workloads', () => {
    const made = objectsAt(system, 'install')
      .filter((object) => object.kind === 'Namespace')
      .map((object) => object.metadata.name);
    const deleted = teardown.flatMap((line) =>
      line.verb === 'delete-namespaces' ? (line.fields.names ?? '').split(',') : [],
    );
    expect(made.length).toBeGreaterThan(deleted.length - 1);
    for (const name of deleted) expect(made).toContain(name);
  });
});

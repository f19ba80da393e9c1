import { existsSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import type { KubernetesObject, RenderedFile } from '../../constructs/core/index.ts';
import { systems } from '../../systems/index.ts';
import { boldContainers, privilegeRule } from '../support/privileges.ts';
import { describeObject, podSpecsOf, type Reference, referencesOf, walk } from '../support/references.ts';
import { objectsIn, renderedFiles } from '../support/rendered.ts';

/** What a system expects to be there already, or to be made by somebody else: `Kind/namespace/name` -> by whom. */
function externalsOf(system: string): ReadonlyMap<string, string> {
  const file = `test/compliance/externals/${system}.yaml`;
  return new Map(
    existsSync(file) ? Object.entries((load(readFileSync(file, 'utf8')) ?? {}) as Record<string, string>) : [],
  );
}

const workloadsWithPods = (objects: readonly KubernetesObject[]) =>
  objects.filter((object) => podSpecsOf(object).length > 0);

function keyOf(reference: { kind: string; namespace?: string; name: string }): string {
  return `${reference.kind}/${reference.namespace ? `${reference.namespace}/` : ''}${reference.name}`;
}

/** Secrets that the set-up makes, by the inventory that the system renders. */
function secretsInPlan(files: readonly RenderedFile[]): Set<string> {
  const plan = files.find((file) => file.path === 'install/plan.tsv')?.content ?? '';
  const found = new Set<string>();
  for (const line of plan.split('\n')) {
    const fields = Object.fromEntries(
      line
        .split('\t')
        .slice(2)
        .map((field) => field.split(/=(.*)/s).slice(0, 2)),
    );
    const verb = line.split('\t')[1];
    if (verb === 'secret' || verb === 'require-secret') found.add(`Secret/${fields['namespace']}/${fields['name']}`);
    if (verb === 'expect-secrets') for (const name of (fields['names'] ?? '').split(',')) found.add(`Secret/${name}`);
  }
  return found;
}

/** Ports of a Service, by number and by name. */
function portsOf(service: KubernetesObject): Set<string> {
  const ports = ((service.spec as { ports?: Array<{ port: number; name?: string }> }).ports ?? []).flatMap((p) => [
    String(p.port),
    p.name ?? '',
  ]);
  return new Set(ports.filter((port) => port !== ''));
}

describe.each(systems.map((system) => system.name))('objects of %s', (name) => {
  const files = renderedFiles(name);
  const objects = objectsIn(files);
  const externals = externalsOf(name);

  test('no two objects have the same identity', () => {
    const identities = objects.map((object) => `${object.apiVersion.split('/')[0]} ${describeObject(object)}`);
    expect(identities.length).toBeGreaterThan(0);
    expect(identities.filter((identity, index) => identities.indexOf(identity) !== index)).toEqual([]);
  });

  test('no value is null: a null is data that was lost on the way', () => {
    const nulls: string[] = [];
    for (const object of objects) {
      walk(object, (fields) => {
        for (const [key, value] of Object.entries(fields))
          if (value === null) nulls.push(`${describeObject(object)}: ${key}`);
      });
    }
    expect(nulls).toEqual([]);
  });

  test('every object carries the labels part-of, managed-by and component', () => {
    const without = objects.filter((object) => {
      const labels = object.metadata.labels ?? {};
      return (
        !labels['app.kubernetes.io/part-of'] ||
        !labels['app.kubernetes.io/managed-by'] ||
        !labels['app.kubernetes.io/component']
      );
    });
    expect(without.map(describeObject)).toEqual([]);
  });

  test('no Secret with values is rendered', () => {
    const withValues = objects.filter((object) => object.kind === 'Secret' && (object['data'] || object['stringData']));
    expect(withValues.map(describeObject)).toEqual([]);
  });

  test('no file holds key material or a token', () => {
    const patterns = [
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}/,
      /\bgh[pousr]_[A-Za-z0-9]{36}\b/,
      /\beyJ[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]{10,}\./,
    ];
    expect(
      files
        .filter(
          (file) => !file.content.includes('use strict') && patterns.some((pattern) => pattern.test(file.content)),
        )
        .map((file) => file.path),
    ).toEqual([]);
  });

  test('every reference resolves inside the output or is a named external', () => {
    const present = new Map(objects.map((object) => [describeObject(object), object]));
    const made = secretsInPlan(files);
    const automatic = (reference: Reference) => reference.kind === 'ServiceAccount' && reference.name === 'default';
    const builtIn = (reference: Reference) =>
      reference.kind === 'ClusterRole' &&
      ['view', 'edit', 'admin', 'cluster-admin', 'system:auth-delegator'].includes(reference.name);
    const missing = objects.flatMap(referencesOf).filter((reference) => {
      const key = keyOf(reference);
      return !present.has(key) && !made.has(key) && !externals.has(key) && !automatic(reference) && !builtIn(reference);
    });
    expect(missing.map((reference) => `${reference.from} names ${keyOf(reference)}`)).toEqual([]);
  });

  test('every port that an Ingress names is a port of its Service', () => {
    const present = new Map(objects.map((object) => [describeObject(object), object]));
    const wrong = objects
      .flatMap(referencesOf)
      .filter((reference) => reference.kind === 'Service' && reference.part)
      .filter((reference) => {
        const service = present.get(keyOf(reference));
        return service !== undefined && !portsOf(service).has(reference.part ?? '');
      });
    expect(wrong.map((reference) => `${reference.from} names port ${reference.part} of ${keyOf(reference)}`)).toEqual(
      [],
    );
  });

  test('every Service selects a pod that is rendered', () => {
    const templates = workloadsWithPods(objects).map((object) => ({
      namespace: object.metadata.namespace,
      labels: ((object.spec as { template?: { metadata?: { labels?: Record<string, string> } } }).template?.metadata
        ?.labels ?? {}) as Record<string, string>,
    }));
    const lonely = objects
      .filter((object) => object.kind === 'Service')
      .filter((service) => {
        const selector = (service.spec as { selector?: Record<string, string> }).selector;
        if (!selector || externals.has(describeObject(service))) return false;
        return !templates.some(
          (t) =>
            t.namespace === service.metadata.namespace && Object.entries(selector).every(([k, v]) => t.labels[k] === v),
        );
      });
    expect(lonely.map(describeObject)).toEqual([]);
  });

  test('every image of a workload has a fixed tag or a digest', () => {
    const images = new Set<string>();
    for (const pod of objects.flatMap(podSpecsOf)) {
      walk(pod, (fields, key) => {
        if ((key === 'containers' || key === 'initContainers') && typeof fields['image'] === 'string')
          images.add(fields['image']);
      });
    }
    const loose = [...images].filter((image) => !/(:(?!latest$)[A-Za-z0-9_][\w.-]*|@sha256:[0-9a-f]{64})$/.test(image));
    expect(loose).toEqual([]);
  });

  test('every container runs without privileges, unless exceptions.tsv names the object', () => {
    const table = files.find((file) => file.path === 'exceptions.tsv')?.content ?? '';
    const rows = table.split('\n').map((line) => line.split('\t'));
    const excepted = new Set(rows.filter(([rule]) => rule === privilegeRule).map(([, object]) => object));
    const bold = objects
      .filter((object) => !excepted.has(describeObject(object)))
      .flatMap((object) => boldContainers(object).map((container) => `${describeObject(object)}: ${container}`));
    expect(bold).toEqual([]);
  });

  test('every namespace that runs pods denies ingress by default', () => {
    const namespaces = new Set(workloadsWithPods(objects).map((object) => object.metadata.namespace));
    const closed = new Set(
      objects
        .filter((object) => object.kind === 'NetworkPolicy')
        .filter((policy) => {
          const spec = policy.spec as { podSelector?: object; ingress?: unknown[]; policyTypes?: string[] };
          return (
            Object.keys(spec.podSelector ?? {}).length === 0 &&
            (spec.ingress ?? []).length === 0 &&
            spec.policyTypes?.includes('Ingress')
          );
        })
        .map((policy) => policy.metadata.namespace),
    );
    expect(
      [...namespaces].filter((namespace) => !closed.has(namespace) && !externals.has(`DefaultDeny/${namespace}`)),
    ).toEqual([]);
  });
});

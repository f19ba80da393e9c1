import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { applyChanges } from '../../../tools/app/apply.ts';
import { planMigration } from '../../../tools/app/plan.ts';
import { Checkout } from '../../../tools/app/repository.ts';
import { SampleFolders } from '../../support/application/sample.ts';
import { output } from '../../support/processes.ts';
import { tool } from '../../support/tools.ts';

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: {
      readonly spec: {
        readonly imagePullSecrets?: unknown;
        readonly containers: readonly {
          readonly image: string;
          readonly envFrom: readonly { readonly secretRef?: { readonly name: string } }[];
        }[];
      };
    };
  };
}

const folders = new SampleFolders();
let repository: string;

beforeAll(async () => {
  repository = await folders.checkout();
  const dist = path.join(folders.rendered(), 'stonks-oracle');
  const migration = JSON.parse(readFileSync(path.join(dist, 'migration.json'), 'utf8'));
  const checkout = new Checkout(repository);
  applyChanges(checkout, planMigration(checkout, migration, dist));
});

afterAll(() => folders.remove());

/** The migrated chart with the values files of a stage, and the values that a promotion writes. */
async function template(tag: string, ...files: readonly string[]): Promise<readonly Rendered[]> {
  const promoted = path.join(folders.root, 'promoted.yaml');
  writeFileSync(promoted, `image:\n  tag: ${JSON.stringify(tag)}\n`);
  const chart = path.join(repository, 'infra/helm/stonks-oracle');
  const values = [...files.map((file) => path.join(chart, file)), promoted].flatMap((file) => ['--values', file]);
  const text = await output(tool('helm'), ['template', 'stonks-oracle', chart, ...values]);
  return (loadAll(text) as (Rendered | null)[]).filter((document) => document !== null);
}

function images(documents: readonly Rendered[]): readonly string[] {
  return documents.flatMap(({ spec }) => spec?.template?.spec.containers.map(({ image }) => image) ?? []);
}

const sha = '0f1e2d3c4b5a69788796a5b4c3d2e1f001234567';

describe('the migrated chart, rendered by helm', () => {
  it.each([
    ['live', []],
    ['beta', ['values-beta.yaml']],
    ['paper', ['values-paper.yaml']],
  ])(
    'pulls the 14 images of %s from the local registry with the promoted tag, without pull secrets',
    async (_, files) => {
      const documents = await template(sha, 'values.yaml', ...files);
      expect([...images(documents)].sort()).toEqual(
        stonksServices.services.map(({ name }) => `registry.celestium.life/stonks-oracle/${name}:${sha}`).sort(),
      );
      expect(JSON.stringify(documents)).not.toMatch(/imagePullSecrets|ghcr/);
      expect(documents.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    },
  );

  it('gives paper its broker and leaves live with its own', async () => {
    const config = (documents: readonly Rendered[]) => documents.find(({ kind }) => kind === 'ConfigMap')?.data;
    const paper = await template(sha, 'values.yaml', 'values-paper.yaml');
    expect(config(paper)).toMatchObject({ BROKER_MODE: 'paper', BROKER_PROVIDER: 'alpaca', LOG_LEVEL: 'info' });
    const adapter = paper.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'broker-adapter');
    expect(adapter?.spec?.template?.spec.containers[0]?.envFrom).toContainEqual({
      secretRef: { name: 'alpaca-paper-credentials' },
    });
    expect(config(await template(sha, 'values.yaml'))).toMatchObject({ BROKER_MODE: 'live' });
  });

  it.each([
    '1234567890123456789012345678901234567890',
    '0000000000000000000000000000000000000123',
    '12345e7',
    '0123456',
  ])('deploys the tag %s as it is', async (tag) => {
    const documents = await template(tag, 'values.yaml', 'values-beta.yaml');
    expect(images(documents)).toHaveLength(14);
    expect(images(documents).every((image) => image.endsWith(`:${tag}`))).toBe(true);
  });
});

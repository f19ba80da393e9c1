import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'js-yaml';
import { afterAll, describe, expect, it } from 'vitest';
import type { WoodpeckerFile } from '../../../constructs/woodpecker-pipeline/index.ts';
import type { EvidenceConfiguration } from '../../../model/evidence.ts';
import type { Migration } from '../../../model/migration.ts';
import { stonksServices } from '../../../systems/stonks/application.ts';
import { applyChanges } from '../../../tools/app/apply.ts';
import { missingFiles } from '../../../tools/app/check.ts';
import { planMigration } from '../../../tools/app/plan.ts';
import { Checkout } from '../../../tools/app/repository.ts';
import { SampleFolders, sampleWoodpecker } from '../../support/application/sample.ts';
import { renderedFiles } from '../../support/rendered.ts';
import { woodpeckerFileSchema } from '../woodpecker-pipeline/file-schema.ts';

const files = new Map(renderedFiles('stonks-oracle').map((file) => [file.path, file]));
const folders = new SampleFolders();

afterAll(() => folders.remove());

function content(file: string): string {
  const found = files.get(file);
  if (found === undefined) {
    throw new Error(`${file} is not rendered`);
  }
  return found.content;
}

describe('the application repository of Stonks Oracle as it is rendered', () => {
  it('has a valid pipeline file with all 14 images in the local registry', () => {
    const pipeline = load(content('repo/.woodpecker.yml')) as WoodpeckerFile;
    const validate = new Ajv({ allErrors: true, strict: false }).compile(woodpeckerFileSchema);
    validate(pipeline);
    expect(validate.errors ?? []).toEqual([]);
    const repositories = pipeline.steps.flatMap(({ settings }) => (settings === undefined ? [] : [settings.repo]));
    expect(repositories).toHaveLength(14);
    expect(new Set(repositories)).toEqual(
      new Set(stonksServices.services.map(({ name }) => `registry.celestium.life/stonks-oracle/${name}`)),
    );
    expect(content('repo/.woodpecker.yml')).not.toContain('ghcr.io');
  });

  it('brings the programs that its steps call', () => {
    const pipeline = load(content('repo/.woodpecker.yml')) as WoodpeckerFile;
    const called = pipeline.steps
      .flatMap(({ commands }) => commands ?? [])
      .flatMap((command) => command.match(/\.pipelines\/[\w.-]+/g) ?? []);
    expect(new Set(called).size).toBeGreaterThan(1);
    for (const program of called) {
      expect(files.has(`repo/${program}`)).toBe(true);
    }
  });

  it('asks for the evidence of every image before it says success', () => {
    const { manifests, context } = JSON.parse(content('repo/.pipelines/evidence.json')) as EvidenceConfiguration;
    expect(manifests).toHaveLength(14);
    expect(context).toBe('integration-test');
  });

  it('sets the registry in all values files, the broker in paper only, and a tag nowhere', () => {
    const values = (file: string) => load(content(`repo/infra/helm/stonks-oracle/${file}`)) as Record<string, unknown>;
    const image = { registry: 'registry.celestium.life/stonks-oracle' };
    expect(values('values.yaml')).toEqual({ image });
    expect(values('values-beta.yaml')).toEqual({ image });
    expect(values('values-paper.yaml')).toMatchObject({
      image,
      config: { BROKER_MODE: 'paper', BROKER_PROVIDER: 'alpaca' },
    });
    expect([...files.keys()].filter((file) => /values-live/.test(file))).toEqual([]);
  });

  it('migrates the sample application and finds everything that it needs there', async () => {
    const rendered = path.join(folders.root, 'rendered');
    for (const [file, { content: text }] of files) {
      if (file.startsWith('repo/')) {
        mkdirSync(path.dirname(path.join(rendered, file)), { recursive: true });
        writeFileSync(path.join(rendered, file), text);
      }
    }
    const migration = JSON.parse(content('migration.json')) as Migration;
    const checkout = new Checkout(await folders.checkout());
    applyChanges(checkout, planMigration(checkout, migration, rendered));
    expect(missingFiles(checkout, migration)).toEqual([]);
    expect(checkout.has('.github/workflows')).toBe(false);
    expect(readFileSync(path.join(checkout.root, '.woodpecker.yml'), 'utf8')).toBe(content('repo/.woodpecker.yml'));
  });

  it('needs nothing but one more entry in the catalogue for one more service', () => {
    const before = sampleWoodpecker().file.steps.map(({ name }) => name);
    const services = {
      ...stonksServices,
      services: [...stonksServices.services, { name: 'backtester', dockerfile: 'docker/Dockerfile.backtester' }],
    };
    const after = sampleWoodpecker({ services }).file.steps.map(({ name }) => name);
    expect(after.filter((name) => !before.includes(name))).toEqual(['build-backtester']);
    expect(after.indexOf('build-query-api')).toBe(after.indexOf('integration-test') - 1);
  });
});

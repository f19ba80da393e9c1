import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { afterAll, describe, expect, test } from 'vitest';
import type { Workflow } from '../../../constructs/github-actions/index.ts';
import type { Migration } from '../../../model/migration.ts';
import { applyChanges } from '../../../tools/app/apply.ts';
import { missingFiles } from '../../../tools/app/check.ts';
import { planMigration } from '../../../tools/app/plan.ts';
import { Checkout } from '../../../tools/app/repository.ts';
import { SampleFolders } from '../../support/application/sample.ts';
import { fileText, renderedFiles } from '../../support/rendered.ts';

const files = renderedFiles('stonks-oracle-arc');
const folders = new SampleFolders();
afterAll(() => folders.remove());

describe("the application's repository on GitHub", () => {
  test('has every program that the workflow calls', () => {
    const { jobs } = load(fileText(files, 'repo/.github/workflows/ci.yml')) as Workflow;
    const called = Object.values(jobs)
      .flatMap(({ steps }) => steps.flatMap((step) => ('run' in step ? [step.run] : [])))
      .flatMap((command) => command.match(/\.pipelines\/[\w.-]+/g) ?? []);
    expect(new Set(called)).toEqual(new Set(['.pipelines/evidence.cjs', '.pipelines/open-sandbox.sh']));
    for (const program of called) expect(fileText(files, `repo/${program}`)).not.toBe('');
  });

  test('is made of the sample application, with one workflow and with the log-in to GHCR left in the chart', async () => {
    const rendered = path.join(folders.root, 'rendered');
    for (const { path: file, content } of files.filter((one) => one.path.startsWith('repo/'))) {
      mkdirSync(path.dirname(path.join(rendered, file)), { recursive: true });
      writeFileSync(path.join(rendered, file), content);
    }
    const migration = JSON.parse(fileText(files, 'migration.json')) as Migration;
    const checkout = new Checkout(await folders.checkout());
    const chart = path.join(checkout.root, 'infra/helm/stonks-oracle/values.yaml');
    const before = readFileSync(chart, 'utf8');
    applyChanges(checkout, planMigration(checkout, migration, rendered));
    expect(missingFiles(checkout, migration)).toEqual([]);
    expect(readFileSync(path.join(checkout.root, '.github/workflows/ci.yml'), 'utf8')).toBe(
      fileText(files, 'repo/.github/workflows/ci.yml'),
    );
    const after = readFileSync(chart, 'utf8');
    expect(before).toContain('ghcrAuth');
    expect(after).toContain('ghcrAuth');
    expect(load(after)).toMatchObject({ image: { registry: 'ghcr.io/celesrenata/stonks-oracle' } });
    expect(planMigration(checkout, migration, rendered)).toEqual([]);
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../constructs/core/index.ts';
import type { Workflow } from '../../constructs/github-actions/index.ts';
import type { WoodpeckerFile } from '../../constructs/woodpecker-pipeline/index.ts';
import { kustomizationIn } from '../../model/delivery/index.ts';
import { type TagPolicyName, tagPolicy, tagsFor } from '../../model/tag-policy.ts';
import { setImage } from '../../runtime/delivery/overlay.ts';
import { systems } from '../../systems/index.ts';
import { substitute } from '../support/application/woodpecker-runner.ts';
import { evaluate, eventContext, pushedReferences, runStepOf, stepOf } from '../support/github-actions/run.ts';
import { run } from '../support/processes.ts';
import { walk } from '../support/references.ts';
import { fileText, objectsIn, renderedFiles } from '../support/rendered.ts';

/** How a system turns a push to its main branch into images, and how it says what runs. */
interface Delivery {
  /** Every tag that an image gets. */
  built(sha: string, folder: string): Promise<readonly string[]>;
  /** The tag of what is deployed, as a reader of the deployed text sees it; anything but a text is a mistake. */
  deployed(sha: string, folder: string): Promise<readonly unknown[]>;
}

const tagOf = (reference: string) => reference.slice(reference.lastIndexOf(':') + 1);

/** A text in the two dialects of YAML that are around. */
const bothDialects = (text: string): readonly unknown[] => [
  parse(text, { version: '1.1' }),
  parse(text, { version: '1.2' }),
];

/** Kargo: the Warehouse picks among the tags, and every stage writes the one that it is given as a text. */
function byKargo(system: string, built: Delivery['built']): Delivery {
  const objects = objectsIn(renderedFiles(system));
  const patterns: string[] = [];
  const written: unknown[] = [];
  for (const object of objects) {
    walk(object, (fields) => {
      if (Array.isArray(fields['allowTagsRegexes'])) patterns.push(...(fields['allowTagsRegexes'] as string[]));
      if (fields['key'] === 'image.tag') written.push(fields['value']);
    });
  }
  return {
    built,
    async deployed(sha, folder) {
      const tags = await built(sha, folder);
      expect(patterns).toHaveLength(1);
      const picked = tags.filter((tag) => new RegExp(patterns[0] ?? '').test(tag));
      expect(picked).toHaveLength(1);
      expect(written.length).toBeGreaterThan(0);
      expect(new Set(written)).toEqual(new Set(['${{ quote(imageFrom(vars.image).Tag) }}']));
      return bothDialects(`tag: ${JSON.stringify(picked[0])}\n`).map((values) => (values as { tag: unknown }).tag);
    },
  };
}

const workflowOf = (system: string, file: string) =>
  load(fileText(renderedFiles(system), `repo/.github/workflows/${file}`)) as Workflow;

const aegisTrader: Delivery = {
  async built(sha, folder) {
    const job = workflowOf('aegis-trader', 'ci-cd.yml').jobs['push'];
    const { references } = await pushedReferences(
      job,
      { repository: 'r' },
      eventContext({ push: 'main', sha }),
      folder,
    );
    return references.map(tagOf);
  },
  async deployed(sha, folder) {
    const { jobs } = workflowOf('aegis-trader', 'ci-cd.yml');
    const event = eventContext({ push: 'main', sha });
    const { deploy } = await pushedReferences(jobs['push'], { repository: 'r' }, event, folder);
    expect(jobs['push']?.outputs?.['tag']).toBe('${{ steps.tags.outputs.deploy }}');
    const environment = Object.fromEntries(
      Object.entries(jobs['deploy-staging']?.env ?? {}).map(([name, value]) => [
        name,
        evaluate(value, { 'needs.push.outputs.tag': deploy }),
      ]),
    );
    const programs = path.join(folder, 'programs');
    mkdirSync(programs, { recursive: true });
    const images = (environment['IMAGES'] ?? '').split('\n').map((line) => line.split('=')[1]);
    writeFileSync(
      path.join(programs, 'helm'),
      `#!/bin/sh\ncase $1 in template) printf 'image: %s\\n' ${images.map((image) => `"${image}:$IMAGE_TAG"`).join(' ')} ;; history) echo '[]' ;; upgrade) printf '%s\\n' "$@" > upgrade ;; esac\n`,
      { mode: 0o755 },
    );
    writeFileSync(path.join(programs, 'kubectl'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(path.join(folder, 'values.yaml'), '');
    const finished = await run(
      'bash',
      ['-c', fileText(renderedFiles('aegis-trader'), 'repo/.github/scripts/deploy.sh')],
      {
        cwd: folder,
        env: {
          ...process.env,
          PATH: `${programs}:${process.env['PATH']}`,
          ...environment,
          VALUES_FILE: 'values.yaml',
          GITHUB_OUTPUT: '/dev/null',
        },
      },
    );
    expect(finished).toMatchObject({ code: 0 });
    const given = readFileSync(path.join(folder, 'upgrade'), 'utf8').split('\n');
    const tags = given.filter((word) => word.includes('.image.tag='));
    for (const tag of tags) expect(given[given.indexOf(tag) - 1]).toBe('--set-string');
    return tags.map((word) => word.slice(word.indexOf('=') + 1));
  },
};

const ftmoTrading: Delivery = {
  async built(sha, folder) {
    const job = workflowOf('ftmo-trading', 'ci-cd.yml').jobs['build'];
    const { references } = await pushedReferences(
      job,
      { repository: 'r' },
      eventContext({ push: 'main', sha }),
      folder,
    );
    return references.map(tagOf);
  },
  async deployed(sha, folder) {
    const files = renderedFiles('ftmo-trading');
    const { jobs } = workflowOf('ftmo-trading', 'ci-cd.yml');
    const event = eventContext({ push: 'main', sha });
    const { deploy } = await pushedReferences(jobs['build'], { repository: 'r' }, event, folder);
    const fill = runStepOf(jobs['manifests'], 'Fill in the tag');
    const repository = path.join(folder, 'repository');
    for (const file of files.filter(({ path: name }) => name.startsWith('repo/'))) {
      const target = path.join(repository, file.path.slice('repo/'.length));
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, file.content);
    }
    const finished = await run('bash', ['-e', '-c', fill.run], {
      cwd: repository,
      env: {
        ...process.env,
        ...Object.fromEntries(
          Object.entries(fill.env ?? {}).map(([name, value]) => [
            name,
            evaluate(value, { 'needs.build.outputs.tag': deploy }),
          ]),
        ),
      },
    });
    expect(finished).toMatchObject({ code: 0 });
    const services = jobs['build']?.strategy?.matrix.include.map(({ service }) => service) ?? [];
    return services.flatMap((service) => {
      const text = readFileSync(path.join(repository, `deploy/infra/k8s-manifests/${service}.yaml`), 'utf8');
      return (['1.1', '1.2'] as const).flatMap((version) =>
        parseAllDocuments(text, { version })
          .map((document) => document.toJS() as KubernetesObject)
          .filter(({ kind }) => kind === 'Deployment')
          .map(
            ({ spec }) =>
              (spec as { template: { spec: { containers: [{ image: string }] } } }).template.spec.containers[0].image,
          )
          .map(tagOf),
      );
    });
  },
};

const lubanTags = () =>
  tagPolicy(
    (JSON.parse(fileText(renderedFiles('luban-ci'), 'delivery.json')) as { tags: TagPolicyName }).tags,
    'develop',
  );

const lubanCi: Delivery = {
  async built(sha) {
    return tagsFor(lubanTags(), { kind: 'push', sha, branch: 'develop' }).tags;
  },
  async deployed(sha, folder) {
    const { deployTag } = tagsFor(lubanTags(), { kind: 'push', sha, branch: 'develop' });
    const overlay = 'app/overlays/snd';
    const file = path.join(folder, kustomizationIn(overlay));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, fileText(renderedFiles('luban-ci'), `scaffolds/data/sales-gitops/${kustomizationIn(overlay)}`));
    await setImage(folder, overlay, { repository: 'r', tag: deployTag ?? '' });
    return bothDialects(readFileSync(file, 'utf8')).map(
      (values) => (values as { images: { newTag: unknown }[] }).images[0]?.newTag,
    );
  },
};

const deliveries: Readonly<Record<string, () => Delivery>> = {
  'stonks-oracle': () =>
    byKargo('stonks-oracle', async (sha) => {
      const file = load(
        substitute(fileText(renderedFiles('stonks-oracle'), 'repo/.woodpecker.yml'), { CI_COMMIT_SHA: sha }),
      ) as WoodpeckerFile;
      return file.steps.find(({ name }) => name === 'build-query-api')?.settings?.['tags'] as readonly string[];
    }),
  'stonks-oracle-arc': () =>
    byKargo('stonks-oracle-arc', async (sha) => {
      const step = stepOf(workflowOf('stonks-oracle-arc', 'ci.yml').jobs['build-query-api'], 'Build and push');
      const tags = 'with' in step ? String(step.with?.['tags']) : '';
      return evaluate(tags, { 'github.sha': sha }).split('\n').map(tagOf);
    }),
  'aegis-trader': () => aegisTrader,
  'luban-ci': () => lubanCi,
  'ftmo-trading': () => ftmoTrading,
};

/** Commits whose beginnings are read as numbers by careless readers, and any others. */
const commits = fc.oneof(
  fc.stringMatching(/^[0-9]{40}$/),
  fc.stringMatching(/^[0-9]{5}e[0-9]{34}$/),
  fc.stringMatching(/^0[0-7]{6}[0-9a-f]{33}$/),
  fc.stringMatching(/^[0-9a-f]{40}$/),
);
const examples: [string][] = [
  ['12345e7'.padEnd(40, '0')],
  ['1234567'.padEnd(40, '8')],
  ['0123456'.padEnd(40, '7')],
  ['0'.repeat(40)],
  ['1e10000'.padEnd(40, 'a')],
];

describe.each(systems.map(({ name }) => name))('%s', (name) => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tags-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('deploys a tag that was built, as a text, whatever the commit looks like', async () => {
    const make = deliveries[name];
    if (!make) throw new Error(`${name}: say here how it builds and deploys`);
    const delivery = make();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(commits, async (sha) => {
        const own = path.join(folder, String(run++));
        mkdirSync(own);
        const built = await delivery.built(sha, own);
        const deployed = await delivery.deployed(sha, own);
        expect(deployed.length).toBeGreaterThan(0);
        expect(new Set(deployed).size).toBe(1);
        expect(built).toContain(deployed[0]);
        expect(deployed[0]).not.toBe('latest');
        expect(deployed[0]).toContain(sha.slice(0, 7));
      }),
      { numRuns: 10, examples },
    );
  });
});

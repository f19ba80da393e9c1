import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyAll, imagesIn, type Run, releasesIn, targetOf, writeDigests } from '../../../tools/mirror/mirror.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const releases = releasesIn(
  '- name: kargo\n  namespace: kargo\n  chart: oci://example.invalid/kargo\n  version: 1.0.0\n  values: [helm/kargo.yaml]\n',
);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mirror-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function tools(answers: Readonly<Record<string, string | undefined>>): { run: Run; calls: string[] } {
  const calls: string[] = [];
  const run: Run = (program, args) => {
    const call = [program, ...args].join(' ');
    calls.push(call);
    const found = Object.entries(answers).find(([beginning]) => call.startsWith(beginning));
    return {
      ok: found?.[1] !== undefined,
      stdout: found?.[1] ?? '',
      problem: found?.[1] === undefined ? 'no route' : '',
    };
  };
  return { run, calls };
}

describe('what is mirrored', () => {
  it('is every fixed image of objects, pipelines and charts, each once', () => {
    mkdirSync(path.join(folder, 'gitops'));
    mkdirSync(path.join(folder, 'helm'));
    writeFileSync(
      path.join(folder, 'gitops/a.yaml'),
      'spec: {containers: [{image: "docker.io/library/node:22"}]}\n---\nsteps: [{image: "docker.io/library/node:22"}]\n',
    );
    writeFileSync(path.join(folder, 'gitops/b.yml'), `steps: [{image: "$IMAGE"}, {image: "x.invalid/y@${digest}"}]\n`);
    writeFileSync(path.join(folder, 'helm/kargo.yaml'), 'image: {repository: z.invalid/ignored, tag: v1}\n');
    const { run, calls } = tools({ 'helm template kargo': 'spec: {image: "chart.invalid/kargo:v1"}' });

    expect(imagesIn(folder, releases, run)).toEqual({
      images: ['chart.invalid/kargo:v1', 'docker.io/library/node:22', `x.invalid/y@${digest}`],
      problems: [],
    });
    expect(calls[0]).toContain(`oci://example.invalid/kargo --version 1.0.0 --values ${folder}/helm/kargo.yaml`);
  });

  it('names charts that cannot be read', () => {
    const { problems } = imagesIn(folder, releases, tools({}).run);
    expect(problems).toEqual(['images of chart oci://example.invalid/kargo 1.0.0: no route']);
  });

  it('keeps its path below the registry', () => {
    expect(targetOf('docker.io/library/node:22', 'r.invalid/m')).toBe('r.invalid/m/library/node:22');
    expect(targetOf('library/node:22', 'r.invalid/m')).toBe('r.invalid/m/library/node:22');
    expect(targetOf(`ghcr.io/a/b:1@${digest}`, 'r.invalid/m')).toBe('r.invalid/m/a/b:1');
    expect(targetOf('localhost:5000/a:1', 'r.invalid/m')).toBe('r.invalid/m/a:1');
  });
});

describe('a copy', () => {
  it('gives the digests that the registry answered with, by crane or else skopeo', () => {
    for (const answers of [
      { 'crane version': '1', 'crane copy': '', 'crane digest': `${digest}\n` },
      { 'skopeo --version': '1', 'skopeo copy': '', 'skopeo inspect': `${digest}\n` },
    ]) {
      const { run, calls } = tools({ ...answers, 'helm pull': '', 'helm push': '' });
      const result = copyAll(['docker.io/library/node:22'], releases, 'r.invalid/m', folder, run);
      expect(result).toEqual({ digests: { 'docker.io/library/node:22': digest }, problems: [] });
      expect(calls.some((call) => call.includes(`helm push ${folder}/kargo-1.0.0.tgz oci://r.invalid/m/charts`))).toBe(
        true,
      );
    }
  });

  it('never invents a digest', () => {
    const helm = { 'helm pull': '', 'helm push': '' };
    for (const answers of [
      {},
      { 'crane version': '1' },
      { 'crane version': '1', 'crane copy': '' },
      { 'crane version': '1', 'crane copy': '', 'crane digest': 'latest' },
    ]) {
      const { digests, problems } = copyAll(
        ['a.invalid/b:1'],
        releases,
        'r.invalid/m',
        folder,
        tools({ ...helm, ...answers }).run,
      );
      expect(digests).toEqual({});
      expect(problems).toHaveLength(1);
    }
  });

  it('reports a chart that could not be copied', () => {
    const { run } = tools({ 'crane version': '1', 'helm pull': '' });
    expect(copyAll([], releases, 'r.invalid/m', folder, run).problems).toEqual([
      'chart oci://example.invalid/kargo 1.0.0: no route',
    ]);
  });

  it('writes its digests in order and whole', () => {
    const file = path.join(folder, 'mirror.json');
    writeDigests(file, { b: '2', a: '1' });
    expect(readFileSync(file, 'utf8')).toBe('{\n  "a": "1",\n  "b": "2"\n}\n');
    expect(readdirSync(folder)).toEqual(['mirror.json']);
  });
});

describe('the command line', () => {
  it.each([
    [['--bogus'], "Unknown option '--bogus'"],
    [[], '--registry is missing'],
    [['--registry', 'https://registry.example.org/mirror'], 'without https://'],
    [['--registry', 'registry.example.org', '--system', 'nope'], 'systems with charts: '],
  ])('refuses %j with words, the usage and exit code 2', (args, words) => {
    const { status, stderr } = spawnSync(process.execPath, ['tools/run.mjs', 'tools/mirror.ts', ...args], {
      encoding: 'utf8',
    });
    expect(stderr).toContain(words);
    expect(stderr).toContain('usage: npm run mirror');
    expect(status).toBe(2);
  });
});

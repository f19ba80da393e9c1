import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { load, loadAll } from 'js-yaml';

/** Runs a program; never throws. */
export type Run = (
  program: string,
  args: readonly string[],
) => { readonly ok: boolean; readonly stdout: string; readonly problem: string };

/** A chart that the install script uses. */
export interface ReleaseEntry {
  readonly name: string;
  readonly namespace: string;
  readonly chart: string;
  readonly repository?: string;
  readonly version: string;
  /** Files of values, relative to dist/<system>/. */
  readonly values: readonly string[];
}

/** The entries of helm/releases.yaml. */
export function releasesIn(text: string): readonly ReleaseEntry[] {
  return load(text) as ReleaseEntry[];
}

/**
 * Every image of a rendered system: of its objects, of its pipeline files, and of its charts as helm renders them. Images that a
 * variable names (the application's own) are left out.
 */
export function imagesIn(
  dist: string,
  releases: readonly ReleaseEntry[],
  run: Run,
): { readonly images: readonly string[]; readonly problems: string[] } {
  const images = new Set<string>();
  const problems: string[] = [];
  for (const file of filesBelow(dist)) {
    // Values are not objects: what they lead to is in the rendered chart.
    if (!/\.ya?ml$/.test(file) || file.startsWith(path.join(dist, 'helm/'))) continue;
    collect(readFileSync(file, 'utf8'), images);
  }
  for (const release of releases) {
    const answer = run('helm', ['template', release.name, ...chartArgs(release), ...valueArgs(dist, release)]);
    if (answer.ok) collect(answer.stdout, images);
    else problems.push(`images of chart ${release.chart} ${release.version}: ${answer.problem}`);
  }
  return { images: [...images].sort(), problems };
}

/** Where the copy of an image lies: its path stays, the registry is replaced; a digest is left to what the copy has. */
export function targetOf(image: string, registry: string): string {
  const [withoutDigest = image] = image.split('@');
  const parts = withoutDigest.split('/');
  const first = parts[0] ?? '';
  const hasHost = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  return [registry, ...(hasHost ? parts.slice(1) : parts)].join('/');
}

/** Copies everything that can be copied, and gives the digests that the target answered with. */
export function copyAll(
  images: readonly string[],
  releases: readonly ReleaseEntry[],
  registry: string,
  work: string,
  run: Run,
): { readonly digests: Readonly<Record<string, string>>; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const digests: Record<string, string> = {};
  const tool = copyTools.find(({ program, probe }) => run(program, probe).ok);
  if (tool === undefined) problems.push('images: neither crane nor skopeo is installed');
  else for (const image of images) copyImage(tool, image, targetOf(image, registry));
  for (const release of releases) {
    const pulled = run('helm', ['pull', ...chartArgs(release), '--destination', work]);
    const name = release.chart.slice(release.chart.lastIndexOf('/') + 1);
    const pushed = pulled.ok
      ? run('helm', ['push', path.join(work, `${name}-${release.version}.tgz`), `oci://${registry}/charts`])
      : pulled;
    if (!pushed.ok) problems.push(`chart ${release.chart} ${release.version}: ${pushed.problem}`);
  }
  return { digests, problems };

  function copyImage({ program, copy, digest: ask }: CopyTool, image: string, target: string): void {
    const copied = run(program, copy(image, target));
    const answer = copied.ok ? run(program, ask(target)) : copied;
    const value = answer.stdout.trim();
    if (answer.ok && /^sha256:[0-9a-f]{64}$/.test(value)) digests[image] = value;
    else problems.push(`${image}: ${answer.problem || `the registry gave no digest (${value})`}`);
  }
}

/** Replaces the file whole. */
export function writeDigests(file: string, digests: Readonly<Record<string, string>>): void {
  const sorted = Object.fromEntries(Object.entries(digests).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(`${file}.new`, `${JSON.stringify(sorted, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

interface CopyTool {
  readonly program: string;
  readonly probe: readonly string[];
  readonly copy: (from: string, to: string) => readonly string[];
  readonly digest: (to: string) => readonly string[];
}

const copyTools: readonly CopyTool[] = [
  {
    program: 'crane',
    probe: ['version'],
    copy: (from: string, to: string) => ['copy', from, to],
    digest: (to: string) => ['digest', to],
  },
  {
    program: 'skopeo',
    probe: ['--version'],
    copy: (from: string, to: string) => ['copy', '--all', '--preserve-digests', `docker://${from}`, `docker://${to}`],
    digest: (to: string) => ['inspect', '--format', '{{.Digest}}', `docker://${to}`],
  },
];

function chartArgs({ chart, repository, version }: ReleaseEntry): string[] {
  return [chart, ...(repository === undefined ? [] : ['--repo', repository]), '--version', version];
}

function valueArgs(dist: string, release: ReleaseEntry): string[] {
  return release.values.flatMap((file) => ['--values', path.join(dist, file)]);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const place = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(place) : [place];
  });
}

function collect(text: string, images: Set<string>): void {
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        if (key === 'image' && typeof item === 'string' && isImage(item)) images.add(item);
        else visit(item);
      }
    }
  };
  for (const document of loadAll(text)) visit(document);
}

/** A fixed image: with a tag or digest, and without a variable in it. */
function isImage(text: string): boolean {
  return /^[a-z0-9][a-z0-9._/:-]*(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$/.test(text) && !text.includes('$');
}

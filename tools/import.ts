// Regenerates imports/ from the CRDs that cdk8s.yaml names: node tools/run.mjs tools/import.ts [--from DIR] [--out DIR]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dump, load, loadAll } from 'js-yaml';

interface Crd {
  kind: string;
  spec: { group: string; names: { kind: string }; versions: Array<{ schema?: { openAPIV3Schema?: unknown } }> };
}

const { values } = parseArgs({ options: { from: { type: 'string' }, out: { type: 'string', default: 'imports' } } });
const addresses = (load(readFileSync('cdk8s.yaml', 'utf8')) as { imports: string[] }).imports;

/** The file names of a folder tree, by their last part. */
function filesUnder(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((e) => e.isFile())
      .map((e) => [`${path.basename(e.parentPath)}/${e.name}`, path.join(e.parentPath, e.name)]),
  );
}

/** Files of the copies carry only their own name, so the folder tells two projects' `image.yaml` apart. */
function localCopy(address: string, copies: Map<string, string>): string {
  const name = path.posix.basename(address);
  const matches = [...copies].filter(([key]) => key.endsWith(`/${name}`));
  const only = matches[0];
  if (matches.length !== 1 || !only)
    throw new Error(`${name}: ${matches.length} files of that name in ${values.from}; expected one`);
  return readFileSync(only[1], 'utf8');
}

async function download(address: string): Promise<string> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`);
  return answer.text();
}

/** Drops the doc strings: they are two thirds of the generated code and change with every release. */
function withoutDescriptions(schema: unknown, isPropertyMap = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => withoutDescriptions(item));
  if (schema === null || typeof schema !== 'object') return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => isPropertyMap || key !== 'description' || typeof value !== 'string')
      .map(([key, value]) => [key, withoutDescriptions(value, key === 'properties' && !isPropertyMap)]),
  );
}

const copies = values.from ? filesUnder(values.from) : undefined;
const byGroup = new Map<string, Crd[]>();
for (const address of addresses) {
  const text = copies ? localCopy(address, copies) : await download(address);
  for (const crd of loadAll(text) as Crd[]) {
    if (crd?.kind !== 'CustomResourceDefinition') continue;
    for (const version of crd.spec.versions) {
      if (version.schema?.openAPIV3Schema)
        version.schema.openAPIV3Schema = withoutDescriptions(version.schema.openAPIV3Schema);
    }
    byGroup.set(crd.spec.group, [...(byGroup.get(crd.spec.group) ?? []), crd]);
  }
}

const work = mkdtempSync(path.join(tmpdir(), 'imports-'));
for (const [group, crds] of [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const source = path.join(work, `${group}.yaml`);
  writeFileSync(source, crds.map((crd) => dump(crd, { noRefs: true })).join('---\n'));
  execFileSync(
    process.execPath,
    [
      'node_modules/cdk8s-cli/bin/cdk8s',
      'import',
      source,
      '--language',
      'typescript',
      '--output',
      work,
      '--save',
      'false',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CDK8S_CHECK_UPGRADE: 'false' } },
  );
  const generated = path.join(work, `${group}.ts`);
  const text = readFileSync(generated, 'utf8')
    .replaceAll(/[ \t]+$/gm, '')
    .replace(
      'import { ApiObject, ApiObjectMetadata, GroupVersionKind } from',
      'import { ApiObject, type ApiObjectMetadata, type GroupVersionKind } from',
    )
    .replace('import { Construct } from', 'import type { Construct } from');
  writeFileSync(path.join(values.out, `${group}.ts`), `// @ts-nocheck\n${text}`);
  console.log(`${values.out}/${group}.ts: ${crds.map((crd) => crd.spec.names.kind).join(', ')}`);
}
rmSync(work, { recursive: true });

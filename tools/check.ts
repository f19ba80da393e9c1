// Checks every rendered object: npm run check
// The API server validates each against its own schemas and the CRDs (strictly: an unknown field is an error), kube-score
// judges the workloads, actionlint the workflows. Exceptions stand in dist/<system>/exceptions.tsv.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KubernetesObject, type RenderedFile, yamlDocuments } from '../constructs/core/index.ts';
import { systems } from '../systems/index.ts';
import { type Plane, startPlane } from '../test/support/plane.ts';
import { boldContainers, privilegeRule } from '../test/support/privileges.ts';
import { describeObject, podSpecsOf } from '../test/support/references.ts';
import { tool } from '../test/support/tools.ts';
import { contextFrom } from './render.ts';

/** A finding of one checker about one object (or file). */
interface Finding {
  readonly check: string;
  readonly object: string;
  readonly text: string;
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

let checked = 0;

async function resourcesOf(plane: Plane, apiVersion: string): Promise<readonly ApiResource[]> {
  const { body } = await plane.request('GET', apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);
  return ((body.resources ?? []) as ApiResource[]).filter((resource) => !resource.name.includes('/'));
}

/** Applies every object as a dry run, with strict field validation. */
async function schemaFindings(plane: Plane, objects: readonly KubernetesObject[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  const known = new Map<string, readonly ApiResource[]>();
  const namespaces = new Set(objects.flatMap((object) => object.metadata.namespace ?? []));
  for (const name of namespaces) {
    await plane.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  for (const object of objects) {
    checked++;
    const subject = describeObject(object);
    const resources = known.get(object.apiVersion) ?? (await resourcesOf(plane, object.apiVersion));
    known.set(object.apiVersion, resources);
    const resource = resources.find((candidate) => candidate.kind === object.kind);
    if (!resource) {
      findings.push({
        check: 'schema',
        object: subject,
        text: `the API server knows no ${object.kind} of ${object.apiVersion}`,
      });
      continue;
    }
    if (resource.namespaced !== (object.metadata.namespace !== undefined)) {
      findings.push({
        check: 'schema',
        object: subject,
        text: resource.namespaced ? 'names no namespace' : 'is cluster-scoped, yet names a namespace',
      });
      continue;
    }
    const base = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const scope = resource.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
    const query = 'dryRun=All&fieldManager=argocd-controller&force=true&fieldValidation=Strict';
    const answer = await plane.request(
      'PATCH',
      `${base}${scope}/${resource.name}/${object.metadata.name}?${query}`,
      object,
      {
        contentType: 'application/apply-patch+yaml',
      },
    );
    if (answer.status >= 300)
      findings.push({ check: 'schema', object: subject, text: answer.body?.message ?? `status ${answer.status}` });
  }
  return findings;
}

/** The part of kube-score's JSON that is read. */
interface Score {
  readonly object_name: string;
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string; readonly namespace?: string };
  readonly checks: ReadonlyArray<{
    readonly check: { readonly id: string };
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: ReadonlyArray<{ readonly summary: string; readonly path: string }> | null;
  }>;
}

/** kube-score's checks that say nothing here, each with the reason. */
const ignoredChecks: Readonly<Record<string, string>> = {
  'pod-networkpolicy': 'it sees one system and no policy of a chart; a test knows which namespaces are closed',
  'networkpolicy-targets-pod': 'pods of the official charts are not among the objects',
  'ingress-targets-service':
    'Services of the official charts are not among the objects; a test resolves every reference',
  'container-image-pull-policy': 'every tag is fixed, so a cached image is the right one',
  'pod-probes-identical': 'it compares the address alone; periods and thresholds differ',
  'container-security-context-user-group-id': 'the images have their own users, with low ids',
  'container-ephemeral-storage-request-equals-limit':
    'requests are what a container needs, limits what it may take in a hurry',
  'container-resource-requests-equal-limits': 'as above',
  'container-memory-requests-equal-limits': 'as above',
  'container-cpu-requests-equal-limits': 'as above',
  'statefulset-has-servicename': 'it wants a headless Service; a single database is reached by its ordinary one',
};

/** Containers with more privileges than the level "restricted" allows. */
function privilegeFindings(objects: readonly KubernetesObject[]): Finding[] {
  return objects.flatMap((object) =>
    boldContainers(object).map((container) => ({
      check: privilegeRule,
      object: describeObject(object),
      text: `container ${container}`,
    })),
  );
}

function scoreFindings(folder: string, objects: readonly KubernetesObject[]): Finding[] {
  const judged = objects.filter(
    (object) =>
      podSpecsOf(object).length > 0 ||
      ['Service', 'Ingress', 'NetworkPolicy', 'PodDisruptionBudget'].includes(object.kind),
  );
  if (judged.length === 0) return [];
  const file = path.join(folder, 'objects.yaml');
  writeFileSync(file, yamlDocuments(judged));
  const result = spawnSync(
    tool('kube-score'),
    [
      'score',
      '--output-format',
      'json',
      // Idle CPU may be used; memory is what has to be bounded.
      '--ignore-container-cpu-limit',
      '--ignore-test',
      Object.keys(ignoredChecks).join(','),
      file,
    ],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  const scores = JSON.parse(result.stdout) as Score[];
  checked += scores.length;
  return scores.flatMap((score) =>
    score.checks
      .filter((check) => !check.skipped && check.grade < 5)
      .map((check) => ({
        check: check.check.id,
        object: `${score.type_meta.kind}/${score.object_meta.namespace ? `${score.object_meta.namespace}/` : ''}${score.object_meta.name}`,
        text: (check.comments ?? []).map((comment) => `${comment.path} ${comment.summary}`.trim()).join('; '),
      })),
  );
}

/** actionlint on every GitHub workflow of a system, with the labels of its own runners. */
function workflowFindings(folder: string, files: readonly RenderedFile[]): Finding[] {
  const labels = files.find((file) => file.path.endsWith('.github/actionlint.yaml'));
  const configuration = path.join(folder, 'actionlint.yaml');
  if (labels) writeFileSync(configuration, labels.content);
  return files
    .filter((file) => /\.github\/workflows\/[^/]+\.ya?ml$/.test(file.path))
    .flatMap((file) => {
      checked++;
      const copy = path.join(folder, path.basename(file.path));
      writeFileSync(copy, file.content);
      const result = spawnSync(
        tool('actionlint'),
        ['-no-color', '-oneline', ...(labels ? ['-config-file', configuration] : []), copy],
        { encoding: 'utf8' },
      );
      return result.status === 0
        ? []
        : [{ check: 'actionlint', object: file.path, text: `${result.stdout}${result.stderr}`.trim() }];
    });
}

/** Findings that no exception allows, and exceptions that no finding needs. */
function remaining(files: readonly RenderedFile[], findings: readonly Finding[]): string[] {
  const table = files.find((file) => file.path === 'exceptions.tsv')?.content ?? '';
  const exceptions = table
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'));
  const allowed = (finding: Finding) =>
    exceptions.some(([check, object]) => check === finding.check && object === finding.object);
  const unused = exceptions.filter(
    ([check, object]) =>
      check !== 'pod-security' && !findings.some((finding) => finding.check === check && finding.object === object),
  );
  return [
    ...findings
      .filter((finding) => !allowed(finding))
      .map((finding) => `${finding.object}: ${finding.check}: ${finding.text}`),
    ...unused.map(([check, object]) => `exceptions.tsv: nothing needs ${check} for ${object}; remove the row`),
  ];
}

const context = contextFrom('build');
const folder = mkdtempSync(path.join(tmpdir(), 'check-'));
const plane = await startPlane({
  crds: [
    'actions-runner-controller',
    'argo-cd',
    'argo-events',
    'argo-rollouts',
    'argo-workflows',
    'cert-manager',
    'gateway-api',
    'kargo',
    'kpack',
    'traefik',
  ],
  controllers: false,
});
const problems: string[] = [];
try {
  for (const system of systems) {
    const files = system.render(context);
    const objects = files.flatMap((file) => file.objects);
    const findings = [
      ...(await schemaFindings(plane, objects)),
      ...privilegeFindings(objects),
      ...scoreFindings(folder, objects),
      ...workflowFindings(folder, files),
    ];
    problems.push(...remaining(files, findings).map((line) => `${system.name}: ${line}`));
  }
} finally {
  await plane.stop();
  rmSync(folder, { recursive: true });
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
console.log(`check: ${checked} checked, ${problems.length} problems`);

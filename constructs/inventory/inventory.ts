import type { Pipeline } from '../../model/pipeline/pipeline.ts';
import { windowText } from '../../model/promotion-window/index.ts';
import type { SecretRef } from '../../model/secret-ref.ts';
import { enabledStages, type Stage, stageChain } from '../../model/stage-chain.ts';
import type { KubernetesObject, RenderedFile, SystemOutput } from '../core/index.ts';
import { addRequests, emptyRequests, printCpu, printMemory, requestsOf } from './requests.ts';

export interface InventoryProps {
  readonly title: string;
  /** What the system does, one paragraph. */
  readonly description: string;
  /** Its steps become the first half of the picture. @default - none */
  readonly pipeline?: Pipeline;
  /** They become the second half. @default - none */
  readonly stages?: readonly Stage[];
  /** Every Secret that something reads. */
  readonly secrets: readonly SecretRef[];
  /** More sections, in Markdown. @default - none */
  readonly more?: readonly string[];
}

/** Writes dist/<system>/README.md from what has been rendered so far; call it last. */
export function writeInventory(output: SystemOutput, props: InventoryProps): void {
  const files = output.files();
  const objects = files.flatMap((file) => file.objects);
  const sections = [
    `# ${props.title}\n\n${props.description}\n\nRendered by \`npm run synth\`; nothing here is edited by hand.${scripts(output.system, files)}`,
    picture(props),
    stageTable(props.stages ?? []),
    hosts(objects),
    services(objects),
    secrets(props.secrets),
    requests(objects),
    images(objects, files),
    volumes(objects),
    ...(props.more ?? []),
    inventory(files),
  ];
  output.file('README.md', `${sections.filter((section) => section !== '').join('\n\n')}\n`);
}

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function section(title: string, head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  return rows.length === 0 ? '' : `## ${title}\n\n${table(head, rows)}`;
}

/** How it gets into a cluster, where our scripts do that. */
function scripts(system: string, files: readonly RenderedFile[]): string {
  if (!files.some((file) => file.path === 'install/plan.tsv')) return '';
  return ` Installed by \`./runmefirst.sh ${system}\`, taken away by \`./runmelast.sh ${system}\`: docs/operate.md.`;
}

/** What a promotion into the stage has to satisfy, in short. */
function demands({ gate }: Stage): string {
  return [gate?.window && 'window', gate?.note && 'note', gate?.approvers && 'approver'].filter(Boolean).join(', ');
}

function stageTable(stages: readonly Stage[]): string {
  const rows = stages.map((stage) => [
    stage.enabled ? stage.name : `${stage.name} (switched off)`,
    {
      ci: 'waits for the evidence of the build',
      'integration-test': 'waits for the evidence of the test',
      deploy: 'deploys',
    }[stage.kind] + (stage.namespace ? ` to ${stage.namespace}` : ''),
    stage.promotion === 'automatic'
      ? 'by itself'
      : stage.gate?.approvers
        ? `by ${stage.gate.approvers.join(', ')}`
        : 'by hand',
    stage.gate?.window ? windowText(stage.gate.window) : 'never',
    stage.gate?.note ?? 'optional',
    stage.gate?.breakGlass?.actors.join(', ') ?? '',
  ]);
  return section('Stages', ['stage', 'does', 'promoted', 'blocked', 'note', 'may break the glass'], rows);
}

/** Steps and stages as they are connected; steps of one group are one node. */
function picture({ pipeline, stages = [] }: InventoryProps): string {
  const nodeOf = (step: Pipeline['steps'][number]) =>
    'group' in step && typeof step.group === 'string' ? `${step.group} images` : step.name;
  const edges = new Set<string>();
  const id = (name: string) => name.replaceAll(/[^A-Za-z0-9]+/g, '_');
  const node = (name: string) => `${id(name)}["${name}"]`;
  for (const step of pipeline?.ordered ?? []) {
    for (const needed of step.needs) {
      if (nodeOf(needed) !== nodeOf(step)) edges.add(`  ${node(nodeOf(needed))} --> ${node(nodeOf(step))}`);
    }
  }
  for (const { upstream, stage } of stageChain(stages)) {
    const from = upstream.from === 'registry' ? 'registry' : `stage ${upstream.stage.name}`;
    const label = demands(stage) || stage.promotion;
    edges.add(`  ${node(from)} -- ${label} --> ${node(`stage ${stage.name}`)}`);
  }
  const off = stages.filter((stage) => !stage.enabled).map((stage) => stage.name);
  if (edges.size === 0) return '';
  const remark = off.length > 0 ? `\n\nSwitched off, and bypassed: ${off.join(', ')}.` : '';
  const first = enabledStages(stages)[0];
  const build = pipeline && first ? `  ${node('build images')} -. tag .-> ${node('registry')}\n` : '';
  return `## Picture\n\n\`\`\`mermaid\nflowchart LR\n${build}${[...edges].join('\n')}\n\`\`\`${remark}`;
}

interface IngressSpec {
  readonly tls?: ReadonlyArray<{ readonly secretName?: string }>;
  readonly rules?: ReadonlyArray<{
    readonly host?: string;
    readonly http?: {
      readonly paths: ReadonlyArray<{
        readonly path?: string;
        readonly backend: { readonly service?: { readonly name: string } };
      }>;
    };
  }>;
}

function hosts(objects: readonly KubernetesObject[]): string {
  const rows = objects
    .filter((object) => object.kind === 'Ingress' && ((object['spec'] as IngressSpec).tls ?? []).length > 0)
    .flatMap((object) =>
      ((object['spec'] as IngressSpec).rules ?? []).flatMap((rule) =>
        (rule.http?.paths ?? []).map((path) => [
          `https://${rule.host}${path.path ?? '/'}`,
          `${object.metadata.namespace}/${path.backend.service?.name ?? ''}`,
        ]),
      ),
    );
  return section('Hosts', ['address', 'Service'], rows);
}

function services(objects: readonly KubernetesObject[]): string {
  const rows = objects
    .filter((object) => object.kind === 'Service')
    .map((object) => {
      const { ports = [], type = 'ClusterIP' } = object['spec'] as {
        ports?: Array<{ port: number; name?: string }>;
        type?: string;
      };
      return [
        `${object.metadata.namespace}/${object.metadata.name}`,
        type,
        ports.map((port) => `${port.port}${port.name ? ` (${port.name})` : ''}`).join(', '),
      ];
    });
  return section('Ports', ['Service', 'type', 'ports'], rows);
}

const provenanceText: Readonly<Record<SecretRef['provenance'], string>> = {
  provided: 'you, before the install',
  generated: 'the install, once',
  'forge-setup': 'the set-up of the forge',
};

function secrets(refs: readonly SecretRef[]): string {
  const order: ReadonlyArray<SecretRef['provenance']> = ['provided', 'forge-setup', 'generated'];
  const rows = [...refs]
    .sort(
      (a, b) =>
        order.indexOf(a.provenance) - order.indexOf(b.provenance) ||
        (a.namespace + a.name < b.namespace + b.name ? -1 : 1),
    )
    .map((ref) => [
      `${ref.namespace}/${ref.name}`,
      ref.keys.join(', '),
      ref.optional ? 'you, if you want it' : provenanceText[ref.provenance],
      ref.purpose,
    ]);
  return section('Secrets', ['Secret', 'keys', 'made by', 'what for'], rows);
}

function requests(objects: readonly KubernetesObject[]): string {
  const sums = new Map<string, ReturnType<typeof emptyRequests>>();
  for (const object of objects) {
    const asked = requestsOf(object);
    if (!asked) continue;
    const namespace = object.metadata.namespace ?? '';
    sums.set(namespace, addRequests(sums.get(namespace) ?? emptyRequests(), asked));
  }
  const rows = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, sum]) => [namespace, printCpu(sum.milliCpu), printMemory(sum.bytes)]);
  const text = section('Requests', ['namespace', 'CPU', 'memory'], rows);
  return text === ''
    ? ''
    : `${text}\n\nWhat runs all the time, without the pods of the official charts, Jobs and pipeline steps.`;
}

function images(objects: readonly KubernetesObject[], files: readonly RenderedFile[]): string {
  const found = new Set<string>();
  // Programs and other long texts in ConfigMaps name no image.
  for (const object of objects) if (object.kind !== 'ConfigMap') collectImages(object, found);
  const text = section(
    'Images',
    ['image'],
    [...found].sort().map((image) => [`\`${image}\``]),
  );
  const charts = files.some((file) => file.path === 'helm/releases.yaml');
  return text === '' || !charts
    ? text
    : `${text}\n\nThose of the official charts and of pipeline steps come on top: \`npm run mirror\` lists them all.`;
}

function collectImages(value: unknown, found: Set<string>): void {
  if (value === null || typeof value !== 'object') return;
  for (const [key, child] of Object.entries(value)) {
    if (key === 'image' && typeof child === 'string') found.add(child);
    else collectImages(child, found);
  }
}

function volumes(objects: readonly KubernetesObject[]): string {
  const rows = objects
    .filter((object) => object.kind === 'PersistentVolume')
    .map((object) => {
      const spec = object['spec'] as {
        nfs?: { server: string; path: string };
        capacity?: { storage?: string };
        claimRef?: { namespace: string; name: string };
      };
      return [
        object.metadata.name,
        spec.nfs ? `${spec.nfs.server}:${spec.nfs.path}` : '',
        spec.capacity?.storage ?? '',
        spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '',
      ];
    });
  return section('Volumes', ['volume', 'where', 'size', 'claim'], rows);
}

function inventory(files: readonly RenderedFile[]): string {
  const rows = files
    .filter((file) => file.path !== 'README.md')
    .map((file) => {
      const kinds = new Map<string, number>();
      for (const object of file.objects) kinds.set(object.kind, (kinds.get(object.kind) ?? 0) + 1);
      return [file.path, [...kinds].map(([kind, count]) => (count === 1 ? kind : `${count} ${kind}`)).join(', ')];
    });
  return section('Files', ['file', 'objects'], rows);
}

import { ApiObject, App, Chart } from 'cdk8s';
import type { CheckException } from '../workload/exceptions.ts';
import { label, managedBy } from './labels.ts';
import { yamlDocument, yamlDocuments } from './yaml.ts';

/** One file of dist/<system>/. */
export interface RenderedFile {
  /** Relative to dist/<system>/, with forward slashes. */
  readonly path: string;
  readonly content: string;
  readonly executable: boolean;
  /** The Kubernetes objects in it; empty for other files. */
  readonly objects: readonly KubernetesObject[];
}

/** The part of a rendered object that every object has. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface ChartOptions {
  /** Namespace of the objects in the file that name none. @default - none: cluster-scoped objects, or each names its own */
  readonly namespace?: string;
  /** Value of the label `app.kubernetes.io/component`. @default - the last part of the path */
  readonly component?: string;
}

const yamlHeader = '# Rendered by `npm run synth`; changes belong in the settings or the constructs.\n';

/**
 * What a system writes: charts (one file of Kubernetes objects each) and plain files.
 *
 * Every chart is the only one of its cdk8s App: cdk8s validates and resolves a whole App once per chart, so that many charts
 * in one App cost the square of their number. Order between files comes from phases and sync waves.
 */
export class SystemOutput {
  /** Name of the system: the folder in dist/ and the label part-of. */
  readonly system: string;
  private readonly charts = new Map<string, Chart>();
  private readonly plain = new Map<string, RenderedFile>();
  private readonly exceptions: CheckException[] = [];
  private readonly rendering = new Map<string, { readonly nodes: number; readonly file: RenderedFile }>();

  constructor(system: string) {
    this.system = system;
  }

  /**
   * A new file of Kubernetes objects.
   *
   * @param path relative to dist/<system>/, without `.yaml`
   * @throws if the path was used before
   */
  chart(path: string, options: ChartOptions = {}): Chart {
    const file = `${path}.yaml`;
    this.refuseDuplicate(file);
    const chart = new Chart(new App(), 'chart', {
      namespace: options.namespace,
      disableResourceNameHashes: true,
      labels: {
        [label.partOf]: this.system,
        [label.managedBy]: managedBy,
        [label.component]: options.component ?? path.slice(path.lastIndexOf('/') + 1),
      },
    });
    this.charts.set(file, chart);
    return chart;
  }

  /**
   * A new plain file, for example a script or a pipeline file.
   *
   * @param path relative to dist/<system>/
   * @throws if the path was used before
   */
  file(path: string, content: string, options: { readonly executable?: boolean } = {}): void {
    this.refuseDuplicate(path);
    this.plain.set(path, { path, content, executable: options.executable ?? false, objects: [] });
  }

  /** A new file with one YAML document that is no Kubernetes object, for example Helm values. */
  yaml(path: string, value: unknown): void {
    this.file(path, yamlHeader + yamlDocument(value));
  }

  /** Objects that break a rule of `npm run check` on purpose; they are listed, with the reasons, in exceptions.tsv. */
  except(exceptions: readonly CheckException[]): void {
    this.exceptions.push(...exceptions);
  }

  /** Paths of every file so far, sorted. */
  paths(): readonly string[] {
    return [...this.charts.keys(), ...this.plain.keys()].sort();
  }

  /** Every file so far, sorted by path. May be called again: it changes nothing. */
  files(): readonly RenderedFile[] {
    const charts = [...this.charts].map(([path, chart]) => this.rendered(path, chart));
    return [...charts, ...this.plain.values(), ...this.exceptionList()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Rendered once, and again only if the chart has grown since. */
  private rendered(path: string, chart: Chart): RenderedFile {
    const nodes = chart.node.findAll().length;
    const known = this.rendering.get(path);
    if (known?.nodes === nodes) return known.file;
    const file = renderChart(path, chart);
    this.rendering.set(path, { nodes, file });
    return file;
  }

  private exceptionList(): readonly RenderedFile[] {
    if (this.exceptions.length === 0) return [];
    const rows = this.exceptions.map(({ check, object, reason }) => `${check}\t${object}\t${reason}\n`).sort();
    const content = `# Objects that break a rule on purpose: rule, object, reason. \`npm run check\` refuses a row that is not needed.\n${rows.join('')}`;
    return [{ path: 'exceptions.tsv', content, executable: false, objects: [] }];
  }

  private refuseDuplicate(path: string): void {
    if (this.charts.has(path) || this.plain.has(path)) {
      throw new Error(`${this.system}: two files are called ${path}; give one of them another path`);
    }
  }
}

/** The content is printed when it is first asked for: who looks for paths and objects alone does not pay for it. */
function renderChart(path: string, chart: Chart): RenderedFile {
  const objects = chart.node
    .findAll()
    .filter((node) => ApiObject.isApiObject(node))
    .map((node) => withoutForeignNamespace((node as ApiObject).toJson() as KubernetesObject));
  if (objects.length === 0) throw new Error(`${path} holds no object; leave the chart out or fill it`);
  let content: string | undefined;
  return {
    path,
    get content() {
      content ??= yamlHeader + yamlDocuments(objects);
      return content;
    },
    executable: false,
    objects,
  };
}

/** Kinds without a namespace that constructs make. A chart gives its namespace to every object in it, to these too. */
const clusterScoped = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'Namespace',
  'PersistentVolume',
  'Project',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
]);

function withoutForeignNamespace(object: KubernetesObject): KubernetesObject {
  if (!clusterScoped.has(object.kind)) return object;
  const { namespace: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

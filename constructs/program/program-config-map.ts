import { Construct } from 'constructs';
import { KubeConfigMap, type Volume, type VolumeMount } from '../../imports/k8s.ts';
import { shortHash } from '../workload/index.ts';

/** Bytes of all keys and values of one program ConfigMap; the API server takes 1 MiB, and other fields need their room. */
export const programLimit = 900 * 1024;

export interface ProgramConfigMapProps {
  /** Name of the ConfigMap without the hash, for example `promotion-desk`. */
  readonly name: string;
  /** Name of the program: the key is `<program>.cjs`. */
  readonly program: string;
  /** The bundled text: `context.program('desk')`. */
  readonly text: string;
  /** Further files beside it, for example settings or code for the browser. @default - none */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * A run-time program in an immutable ConfigMap whose name holds the hash of its content: a pod never meets another text than
 * the one it was rendered with, a change rolls the workload, and an old pod keeps its own program until it ends.
 *
 * Give install Jobs and running workloads a ConfigMap each (another `name`), so that neither removes the other's.
 *
 * @throws Error when the content is larger than `programLimit`
 */
export class ProgramConfigMap extends Construct {
  /** Name of the ConfigMap, with the hash. */
  readonly configMapName: string;
  /** Bytes of all keys and values. */
  readonly bytes: number;
  private readonly program: string;

  constructor(scope: Construct, id: string, props: ProgramConfigMapProps) {
    super(scope, id);
    this.program = `${props.program}.cjs`;
    const data: Record<string, string> = { [this.program]: props.text, ...props.files };
    if (props.files?.[this.program] !== undefined)
      throw new Error(`${props.name}: two files are called ${this.program}`);
    if (props.text === '')
      throw new Error(`${props.name}: the program ${props.program} is empty; run node tools/build.mjs`);
    this.bytes = Object.entries(data).reduce(
      (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
      0,
    );
    if (this.bytes > programLimit) {
      throw new Error(
        `${props.name}: ${Math.ceil(this.bytes / 1024)} KiB do not fit into a ConfigMap (${programLimit / 1024} KiB); ` +
          'give a large file a ConfigMap of its own, or bundle less into the program',
      );
    }
    this.configMapName = `${props.name}-${shortHash(data)}`;
    new KubeConfigMap(this, 'ConfigMap', { metadata: { name: this.configMapName }, immutable: true, data });
  }

  /** The command that runs the program, mounted at `folder`. */
  command(folder = '/program', ...args: readonly string[]): string[] {
    return ['node', `${folder}/${this.program}`, ...args];
  }

  /** The volume for the pod. */
  volume(name = 'program'): Volume {
    return { name, configMap: { name: this.configMapName } };
  }

  /** The mount for the container. */
  mount(folder = '/program', name = 'program'): VolumeMount {
    return { name, mountPath: folder, readOnly: true };
  }
}

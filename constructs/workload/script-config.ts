import { createHash } from 'node:crypto';
import { Construct } from 'constructs';
import { KubeConfigMap } from '../../imports/k8s.ts';

export interface ScriptConfigProps {
  /** Name of the ConfigMap, without the hash. */
  readonly name: string;
  /** File name -> text. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Scripts in an immutable ConfigMap with a hash of their text in its name: a pod never runs another text than the one it was
 * rendered with, and a changed script rolls its workload.
 */
export class ScriptConfig extends Construct {
  /** Name of the ConfigMap, with the hash. */
  readonly configMapName: string;

  constructor(scope: Construct, id: string, props: ScriptConfigProps) {
    super(scope, id);
    this.configMapName = `${props.name}-${shortHash(props.files)}`;
    new KubeConfigMap(this, 'ConfigMap', {
      metadata: { name: this.configMapName },
      immutable: true,
      data: { ...props.files },
    });
  }
}

/** Ten hexadecimal digits that change with the value; for names. */
export function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 10);
}

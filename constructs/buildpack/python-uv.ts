import type { SystemOutput } from '../core/index.ts';
import { shortHash } from '../workload/index.ts';
import buildScript from './python-uv/bin/build.sh';
import detectScript from './python-uv/bin/detect.sh';
import sbomScript from './python-uv/bin/sbom.py';

export interface PythonBuildpackProps {
  /** Version of the buildpack itself. */
  readonly version: string;
  /** Id, for example `luban/python-uv`. */
  readonly id: string;
  /** Id of the stack that it runs on. */
  readonly stackId: string;
  /** Repository that its image is pushed to, without tag. */
  readonly repository: string;
}

/** One file of a folder that an image is made of. */
export interface ShippedFile {
  readonly path: string;
  readonly content: string;
  readonly executable?: boolean;
}

/** A Cloud Native Buildpack that builds Python applications with uv, with a bill of materials. */
export class PythonBuildpack {
  readonly id: string;
  readonly version: string;
  /** Reference of its image; the tag changes with its content. */
  readonly image: string;
  readonly files: readonly ShippedFile[];

  constructor(props: PythonBuildpackProps) {
    if (!/^\d+\.\d+\.\d+$/.test(props.version)) {
      throw new Error(`buildpack ${props.id}: ${JSON.stringify(props.version)} is no version; write it like 1.0.0`);
    }
    this.id = props.id;
    this.version = props.version;
    this.files = [
      { path: 'buildpack.toml', content: description(props) },
      { path: 'bin/detect', content: detectScript, executable: true },
      { path: 'bin/build', content: buildScript, executable: true },
      { path: 'bin/sbom.py', content: sbomScript },
    ];
    this.image = `${props.repository}:${props.version}-${shortHash(this.files)}`;
  }

  /** Writes the folder that the buildpack's image is packed from. */
  write(output: SystemOutput, folder: string): void {
    for (const { path, content, executable } of this.files) {
      output.file(`${folder}/${path}`, content, { executable: executable ?? false });
    }
  }
}

function description({ id, version, stackId }: PythonBuildpackProps): string {
  return `# Rendered by \`npm run synth\`.
api = "0.10"

[buildpack]
id = "${id}"
name = "Python with uv"
version = "${version}"
sbom-formats = ["application/vnd.cyclonedx+json"]

[[stacks]]
id = "${stackId}"

[[targets]]
os = "linux"
`;
}

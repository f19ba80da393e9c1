import { type Image, imageReference } from '../../model/image.ts';
import type { SystemOutput } from '../core/index.ts';
import { shortHash } from '../workload/index.ts';
import type { PythonBuildpack, ShippedFile } from './python-uv.ts';

export interface BuildStackProps {
  /** Id that buildpacks and builder name it by. */
  readonly stackId: string;
  /** Minimal Amazon Linux 2023. */
  readonly base: Image;
  /** Image that has the program `uv`. */
  readonly uv: Image;
  /** Lifecycle of Cloud Native Buildpacks. */
  readonly lifecycle: { readonly image: Image; readonly version: string };
  /** Registry and path that the images are pushed to. */
  readonly repository: string;
  readonly buildpack: PythonBuildpack;
}

/** User and group that builds and applications run as. */
export const stackUser = { uid: 1000, gid: 1000 } as const;

/**
 * Build and run image of a stack, and the script that makes them. Their tags hold a hash of what they are made of: a changed
 * Dockerfile is another image everywhere at once, and nothing else has to be edited.
 */
export class BuildStack {
  readonly images: { readonly build: string; readonly run: string; readonly lifecycle: string };
  readonly files: readonly ShippedFile[];

  constructor(props: BuildStackProps) {
    const run = runDockerfile(props);
    const build = buildDockerfile(props);
    const tag = (text: string) => `al2023-${shortHash(text)}`;
    this.images = {
      build: `${props.repository}/luban-build:${tag(build)}`,
      run: `${props.repository}/luban-run:${tag(run)}`,
      lifecycle: imageReference(props.lifecycle.image),
    };
    this.files = [
      { path: 'run.Dockerfile', content: run },
      { path: 'build.Dockerfile', content: build },
      { path: 'builder.toml', content: builderDescription(props, this.images) },
      { path: 'build-images.sh', content: buildScript(props, this.images), executable: true },
    ];
  }

  /** Writes the folder that the stack's images are built from. */
  write(output: SystemOutput, folder: string): void {
    for (const { path, content, executable } of this.files) {
      output.file(`${folder}/${path}`, content, { executable: executable ?? false });
    }
  }
}

const addUser = `RUN dnf install -y --setopt=install_weak_deps=False shadow-utils \\
 && groupadd --gid ${stackUser.gid} cnb \\
 && useradd --uid ${stackUser.uid} --gid ${stackUser.gid} --create-home --shell /bin/bash cnb \\
 && dnf remove -y shadow-utils \\
 && dnf clean all`;

function runDockerfile({ base, stackId }: BuildStackProps): string {
  return `# Rendered by \`npm run synth\`. Applications run in it: no compiler, no package that they do not need, never as root.
FROM ${imageReference(base)}
${addUser}
LABEL io.buildpacks.stack.id="${stackId}"
ENV CNB_USER_ID=${stackUser.uid} CNB_GROUP_ID=${stackUser.gid} CNB_STACK_ID="${stackId}"
USER ${stackUser.uid}:${stackUser.gid}
`;
}

function buildDockerfile({ base, uv, stackId }: BuildStackProps): string {
  return `# Rendered by \`npm run synth\`. Builds run in it.
FROM ${imageReference(uv)} AS uv

FROM ${imageReference(base)}
${addUser}
RUN dnf install -y --setopt=install_weak_deps=False gcc gcc-c++ git make tar gzip \\
 && dnf clean all
COPY --from=uv /uv /usr/local/bin/uv
LABEL io.buildpacks.stack.id="${stackId}"
ENV CNB_USER_ID=${stackUser.uid} CNB_GROUP_ID=${stackUser.gid} CNB_STACK_ID="${stackId}"
USER ${stackUser.uid}:${stackUser.gid}
`;
}

function builderDescription(props: BuildStackProps, images: BuildStack['images']): string {
  const { buildpack } = props;
  return `# Rendered by \`npm run synth\`. For "pack build" on a machine; in the cluster kpack makes the builder.
description = "Python with uv on Amazon Linux 2023"

[[buildpacks]]
id = "${buildpack.id}"
version = "${buildpack.version}"
uri = "docker://${buildpack.image}"

[[order]]
[[order.group]]
id = "${buildpack.id}"
version = "${buildpack.version}"

[build]
image = "${images.build}"

[run]
[[run.images]]
image = "${images.run}"

[stack]
id = "${props.stackId}"
build-image = "${images.build}"
run-image = "${images.run}"

[lifecycle]
version = "${props.lifecycle.version}"
`;
}

function buildScript(props: BuildStackProps, images: BuildStack['images']): string {
  return `#!/usr/bin/env bash
# Rendered by \`npm run synth\`. Builds and pushes what the cluster builds applications with; an image that the registry has
# already is left alone. Needs docker and pack, logged in to the registry.
set -euo pipefail
cd "$(dirname "\${BASH_SOURCE[0]}")"

have() {
  docker manifest inspect "$1" >/dev/null 2>&1
}

image() {
  local reference=$1 dockerfile=$2
  if have "$reference"; then
    echo "$reference is there already"
    return
  fi
  docker build --pull --file "$dockerfile" --tag "$reference" .
  docker push "$reference"
}

image ${images.run} run.Dockerfile
image ${images.build} build.Dockerfile
if have ${props.buildpack.image}; then
  echo "${props.buildpack.image} is there already"
else
  pack buildpack package ${props.buildpack.image} --path ../buildpacks/python-uv --publish
fi
`;
}

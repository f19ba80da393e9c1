#!/usr/bin/env bash
# Rendered by `npm run synth`. Builds and pushes what the cluster builds applications with; an image that the registry has
# already is left alone. Needs docker and pack, logged in to the registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

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

image quay.io/luban-ci/luban-run:al2023-d4896b6649 run.Dockerfile
image quay.io/luban-ci/luban-build:al2023-3a1e67c935 build.Dockerfile
if have quay.io/luban-ci/python-uv:1.0.0-4fe3a52989; then
  echo "quay.io/luban-ci/python-uv:1.0.0-4fe3a52989 is there already"
else
  pack buildpack package quay.io/luban-ci/python-uv:1.0.0-4fe3a52989 --path ../buildpacks/python-uv --publish
fi

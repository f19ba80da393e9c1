#!/usr/bin/env bash
# Takes applications with a pyproject.toml and a uv.lock. Exit codes of the Buildpack API: 0 takes part, 100 does not.
set -euo pipefail

plan=${CNB_BUILD_PLAN_PATH:-${2:?the path of the build plan}}

if [[ ! -f pyproject.toml ]]; then
  echo "python-uv: no pyproject.toml" >&2
  exit 100
fi
if [[ ! -f uv.lock ]]; then
  echo "python-uv: pyproject.toml without uv.lock; run \"uv lock\" and commit the file" >&2
  exit 100
fi

version=""
if [[ -f .python-version ]]; then
  # The first line that is no comment, as uv reads it.
  version=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' .python-version | head -n 1)
  if [[ ! $version =~ ^(cpython-|python)?[0-9]+(\.[0-9]+){0,2}$ ]]; then
    echo "python-uv: .python-version says \"$version\"; write a version like 3.12" >&2
    exit 1
  fi
fi

cat >"$plan" <<PLAN
[[provides]]
name = "python-uv"

[[requires]]
name = "python-uv"

[requires.metadata]
version = "$version"
PLAN

#!/usr/bin/env bash
# Every image is built on an official slim image of Python: base-images.sh DOCKERFILE...
set -euo pipefail

wrong=0
for file in "$@"; do
  stages=$(sed -nE 's/^FROM .* [Aa][Ss] ([A-Za-z0-9_-]+) *$/\1/p' "$file")
  found=0
  while read -r image; do
    found=1
    grep -Fxq -- "$image" <<< "$stages" && continue
    [[ $image =~ ^(docker\.io/library/)?python:3\.[0-9]+(\.[0-9]+)?-slim ]] && continue
    echo "base-images: $file is built on $image; use python:3.x-slim" >&2
    wrong=1
  done < <(sed -nE 's/^FROM +(--platform=[^ ]+ +)?([^ ]+).*/\2/p' "$file")
  [ "$found" -eq 1 ] || {
    echo "base-images: $file has no FROM" >&2
    wrong=1
  }
done
exit "$wrong"

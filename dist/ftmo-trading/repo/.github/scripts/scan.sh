#!/usr/bin/env bash
# Scans for known vulnerabilities and fails on those that have a fix: scan.sh image REFERENCE NAME | scan.sh fs FOLDER NAME
# Writes reports/NAME.sarif in any case. Environment: TRIVY_IMAGE, SEVERITY.
set -euo pipefail

kind=$1
target=$2
name=$3
mkdir -p reports
if [ "$kind" = image ] && ! docker image inspect "$target" > /dev/null; then
  echo "scan: the image $target is not there: build it first" >&2
  exit 1
fi

trivy() {
  docker run --rm --volume /var/run/docker.sock:/var/run/docker.sock --volume trivy-cache:/cache \
    --volume "$PWD:/work" --workdir /work "$TRIVY_IMAGE" "$kind" --quiet --cache-dir /cache --severity "$SEVERITY" --ignore-unfixed "$@" "$target"
}

trivy --format sarif --output "reports/$name.sarif"
trivy --format table --exit-code 1

#!/usr/bin/env bash
# Makes the cluster reachable for the steps that follow. Environment: KUBE_CONFIG (base64), RUNNER_TEMP, GITHUB_ENV.
set -euo pipefail

fail() {
  echo "connect: $1" >&2
  exit 1
}

[ -n "${KUBE_CONFIG:-}" ] || fail "the secret KUBE_CONFIG is not set; scripts/generate-kubeconfig.sh makes its value"
file="${RUNNER_TEMP:?}/kubeconfig"
umask 077
printf '%s' "$KUBE_CONFIG" | base64 --decode > "$file" 2> /dev/null || fail "KUBE_CONFIG is not base64"
chmod 600 "$file"
KUBECONFIG=$file kubectl get --raw=/version --request-timeout=20s > /dev/null ||
  fail "the cluster does not answer; where runners cannot reach it, choose a runner beside it, or the way 'pull'"
echo "KUBECONFIG=$file" >> "${GITHUB_ENV:?}"

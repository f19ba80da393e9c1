#!/usr/bin/env bash
# A credential helper of git: answers with username and password of the Secret in PIPELINES_CREDENTIALS (namespace/name).
set -euo pipefail
[[ ${1:-} == get ]] || exit 0
exec kubectl ${PIPELINES_CONTEXT:+--context="$PIPELINES_CONTEXT"} get secret "${PIPELINES_CREDENTIALS#*/}" --namespace="${PIPELINES_CREDENTIALS%%/*}" \
  -o 'go-template={{printf "username=%s\npassword=%s\n" (.data.username | base64decode) (.data.password | base64decode)}}'

#!/usr/bin/env bash
# Integration test: deploys the images of one tag into a namespace of its own, asks the services, writes
# inttest-results.json and removes the namespace.
# usage: run_pipeline.sh --image-tag TAG
# environment: SANDBOX_PREFIX, SANDBOX_LABEL (key=value), REGISTRY
set -euo pipefail

tag=
while [ $# -gt 0 ]; do
  case $1 in
    --image-tag) tag=${2:?--image-tag needs a tag}; shift 2 ;;
    *) echo "unknown argument $1" >&2; exit 2 ;;
  esac
done
: "${tag:?usage: run_pipeline.sh --image-tag TAG}"
registry=${REGISTRY:-registry.celestium.life/stonks-oracle}
label=${SANDBOX_LABEL:-stonks.celestium.life/ephemeral=true}
namespace=${SANDBOX_NAMESPACE:-${SANDBOX_PREFIX:-stonks-inttest-}${tag:0:7}-$$}
results=inttest-results.json

cleanup() { kubectl delete namespace "$namespace" --ignore-not-found --wait=false; }
trap cleanup EXIT

if [ -z "${SANDBOX_NAMESPACE:-}" ]; then
  kubectl create -f - <<YAML
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    ${label%%=*}: "${label#*=}"
YAML
fi

services=(symbol-registry recommendation query-api)
for service in "${services[@]}"; do
  kubectl --namespace "$namespace" create deployment "$service" --image "$registry/$service:$tag" --port 8000
  kubectl --namespace "$namespace" create service clusterip "$service" --tcp 8000:8000
done
for service in "${services[@]}"; do
  kubectl --namespace "$namespace" rollout status "deployment/$service" --timeout 300s
done

passed=0
failed=0
tests=
# expect NAME SERVICE PATH BODY TEXT: the answer must contain the text
expect() {
  local answer ok=true
  answer=$(curl --silent --show-error --max-time 10 --data "$4" "http://$2.$namespace.svc.cluster.local:8000$3") || ok=false
  case $answer in *"$5"*) ;; *) ok=false ;; esac
  if [ "$ok" = true ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  echo "$1: $ok ($answer)"
  tests="$tests${tests:+, }{\"name\": \"$1\", \"passed\": $ok}"
}

expect "symbols have one spelling" symbol-registry /run '{"symbol": "brk/b"}' 'BRK.B'
expect "a high score is a buy" recommendation /run '{"score": 0.9}' 'buy'
expect "the query service is healthy" query-api /health '' '"status": "ok"'

cat >"$results.new" <<JSON
{"commit": "$tag", "total": $((passed + failed)), "passed": $passed, "failed": $failed, "tests": [$tests]}
JSON
mv "$results.new" "$results"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Verifies a release: rollout, what runs, NATS, endpoints, and an answer from each service.
# Environment: RELEASE, NAMESPACE, IMAGE_TAG, IMAGES (lines: subchart=repository), PROBES (lines: service port path).
set -euo pipefail

fail() {
  echo "verify: $1" >&2
  exit 1
}

in_namespace=(kubectl --namespace "$NAMESPACE")
"${in_namespace[@]}" wait --for=condition=available --timeout=300s deployment --all
"${in_namespace[@]}" rollout status statefulset --timeout=300s --selector "app.kubernetes.io/instance=$RELEASE"

running=$("${in_namespace[@]}" get pods --output=jsonpath='{range .items[*].spec.containers[*]}{.image}{"\n"}{end}')
while IFS='=' read -r subchart repository; do
  [ -n "$subchart" ] || continue
  grep -Fxq "$repository:$IMAGE_TAG" <<< "$running" || fail "$repository:$IMAGE_TAG does not run"
done <<< "$IMAGES"

"${in_namespace[@]}" exec "deployment/$RELEASE-nats-box" -- nats --server "nats://$RELEASE-nats:4222" server check connection

# Services without a ready pod have no address here.
local_port=18000
while read -r service port path; do
  [ -n "$service" ] || continue
  addresses=$("${in_namespace[@]}" get endpoints "$service" --output=jsonpath='{.subsets[*].addresses[*].ip}')
  [ -n "$addresses" ] || fail "the service $service has no ready pod"
  local_port=$((local_port + 1))
  "${in_namespace[@]}" port-forward "service/$service" "$local_port:$port" > /dev/null &
  forward=$!
  trap 'kill "$forward" 2> /dev/null || true' EXIT
  curl --fail --silent --show-error --output /dev/null --retry 10 --retry-delay 2 --retry-all-errors \
    --max-time 10 "http://127.0.0.1:$local_port$path" || fail "$service does not answer on $port$path"
  kill "$forward" 2> /dev/null || true
  echo "verify: $service answers"
done <<< "$PROBES"
"${in_namespace[@]}" get pods

#!/usr/bin/env bash
# Removes what crashed pipeline runs left behind: sandbox namespaces, and in the step namespace pods, their Services, their
# Secrets and workspace volumes. Only what is older than the longest pipeline can be goes.
# environment: SANDBOX_PREFIX, SANDBOX_LABEL (key=value), MAXIMUM_AGE_MINUTES, and STEPS_NAMESPACE where the CI engine has one
set -euo pipefail

: "${SANDBOX_PREFIX:?}" "${SANDBOX_LABEL:?}" "${MAXIMUM_AGE_MINUTES:?}"
failures=0

# Names of the objects in a list (JSON on stdin) that are too old, not on their way out, and start with a prefix.
old_names() {
  jq -r --arg prefix "$1" --argjson minutes "$MAXIMUM_AGE_MINUTES" '
    .items[].metadata
    | select(.name | startswith($prefix))
    | select(.deletionTimestamp == null)
    | select(now - (.creationTimestamp | fromdateiso8601) > $minutes * 60)
    | .name'
}

remove() {
  echo "removing $*"
  kubectl delete "$@" --ignore-not-found --wait=false || failures=$((failures + 1))
}

sandboxes=$(kubectl get namespaces --selector "$SANDBOX_LABEL" -o json | old_names "$SANDBOX_PREFIX")
for name in $sandboxes; do
  remove namespace "$name"
done

if [ -n "${STEPS_NAMESPACE:-}" ]; then
  in_steps=(--namespace "$STEPS_NAMESPACE")
  pods=$(kubectl get pods "${in_steps[@]}" -o json | old_names wp-)
  for name in $pods; do
    remove pod "$name" "${in_steps[@]}"
    remove secret "$name" "${in_steps[@]}"
    remove secret "$name-step-secret" "${in_steps[@]}"
  done

  services=$(kubectl get services "${in_steps[@]}" -o json | old_names wp-)
  for name in $services; do
    remove service "$name" "${in_steps[@]}"
  done

  # A volume that a pod still uses stays until that pod is gone: Kubernetes holds it back itself.
  claims=$(kubectl get persistentvolumeclaims "${in_steps[@]}" -o json | old_names wp-)
  for name in $claims; do
    remove persistentvolumeclaim "$name" "${in_steps[@]}"
  done
fi

[ "$failures" = 0 ] || {
  echo "$failures objects could not be removed; the next run tries again" >&2
  exit 1
}

#!/usr/bin/env bash
# After a failure: shows what went wrong, then goes back to the revision before, if there is one. Never turns the failure
# into a success: the job that calls it has failed already. Environment: RELEASE, NAMESPACE, GOOD_REVISION (may be empty).
set -uo pipefail

kubectl --namespace "$NAMESPACE" get pods,services,endpoints
kubectl --namespace "$NAMESPACE" describe pods
kubectl --namespace "$NAMESPACE" logs --selector "app.kubernetes.io/instance=$RELEASE" --all-containers --prefix --tail=100
kubectl --namespace "$NAMESPACE" get events --sort-by=.lastTimestamp

revision=$(helm history "$RELEASE" --namespace "$NAMESPACE" --output json | jq -r '[.[] | select(.status == "deployed")] | last | .revision // 0')
case ${GOOD_REVISION:-} in
  '' | 0)
    echo "roll-back: no revision was there before; nothing to go back to"
    ;;
  "$revision")
    echo "roll-back: revision $revision is the one from before; Helm went back by itself"
    ;;
  *)
    helm rollback "$RELEASE" "$GOOD_REVISION" --namespace "$NAMESPACE" --wait --timeout 10m
    ;;
esac

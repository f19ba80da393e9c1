#!/usr/bin/env bash
# Makes a namespace for one integration test, with the labels and the role binding that its account is allowed, and prints
# the name. Run it in the step before the test; the test deploys into that namespace and deletes it.
# usage: open-sandbox.sh NAMESPACE    The name starts with the sandbox prefix.
# environment: SANDBOX_LABEL (key=value), SANDBOX_ROLE (ClusterRole), SANDBOX_ACCOUNT (namespace:name)
set -euo pipefail

namespace=${1:?usage: open-sandbox.sh NAMESPACE}
: "${SANDBOX_LABEL:?}" "${SANDBOX_ROLE:?}" "${SANDBOX_ACCOUNT:?}"

if ! kubectl get namespace "$namespace" -o name >/dev/null 2>&1; then
  kubectl create -f - >&2 <<YAML
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    ${SANDBOX_LABEL%%=*}: "${SANDBOX_LABEL#*=}"
    pod-security.kubernetes.io/enforce: baseline
YAML
fi
# No "apply": the account may make the binding, but neither read nor change it.
if ! answer=$(kubectl create rolebinding sandbox --namespace "$namespace" \
  --clusterrole "$SANDBOX_ROLE" --serviceaccount "$SANDBOX_ACCOUNT" 2>&1); then
  case $answer in
    *AlreadyExists* | *"already exists"*) ;;
    *)
      echo "$answer" >&2
      exit 1
      ;;
  esac
fi
echo "$namespace"

#!/usr/bin/env bash
# Writes the value of the secret KUBE_CONFIG for the account that the pipeline deploys with; run it as cluster admin.
#   generate-kubeconfig.sh NAMESPACE ACCOUNT FILE [DURATION]
# The value goes into FILE, readable only for you, and nowhere else. Environment: SERVER (default: the current context's).
set -euo pipefail

if [ "$#" -lt 3 ]; then
  echo "usage: generate-kubeconfig.sh NAMESPACE ACCOUNT FILE [DURATION]" >&2
  exit 2
fi
namespace=$1
account=$2
file=$3
duration=${4:-2160h}

cluster=$(kubectl config view --minify --raw --output=jsonpath='{.clusters[0].cluster.certificate-authority-data}')
server=${SERVER:-$(kubectl config view --minify --output=jsonpath='{.clusters[0].cluster.server}')}
if [ -z "$cluster" ]; then
  echo "generate-kubeconfig: the current context has no certificate-authority-data" >&2
  exit 1
fi
token=$(kubectl --namespace "$namespace" create token "$account" --duration="$duration")
umask 077
base64 << END | tr -d '\n' > "$file"
apiVersion: v1
kind: Config
current-context: pipeline
clusters:
  - name: cluster
    cluster:
      server: $server
      certificate-authority-data: $cluster
users:
  - name: $account
    user:
      token: $token
contexts:
  - name: pipeline
    context:
      cluster: cluster
      user: $account
      namespace: $namespace
END
echo "generate-kubeconfig: $file holds the value of KUBE_CONFIG; the cluster may have shortened the $duration asked for"

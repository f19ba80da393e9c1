#!/usr/bin/env bash
# Installs Argo CD on k3s and hands it the applications; may be run again at any time. Run it in the repository's root.
# Environment: ARGOCD_VERSION, ARGOCD_NAMESPACE, NODE_PORT, REPOSITORY (all have defaults); REPOSITORY_TOKEN (a token that
# reads the repository; needed for a private one).
set -euo pipefail

version=${ARGOCD_VERSION:-v3.4.4}
namespace=${ARGOCD_NAMESPACE:-argocd}
node_port=${NODE_PORT:-30080}
repository=${REPOSITORY:-https://github.com/dan8992/ftmo-trading.git}
argocd=(kubectl --namespace "$namespace")

kubectl create namespace "$namespace" --dry-run=client --output=yaml | kubectl apply --filename=-
# On the server: the definition of ApplicationSets is too large for the annotation of an ordinary apply.
"${argocd[@]}" apply --server-side --force-conflicts \
  --filename="https://raw.githubusercontent.com/argoproj/argo-cd/$version/manifests/install.yaml"

# Without this the server sends browsers from http to https, which the node port does not speak.
insecure=$("${argocd[@]}" get configmap argocd-cmd-params-cm --output=jsonpath='{.data.server\.insecure}')
if [ "$insecure" != true ]; then
  "${argocd[@]}" patch configmap argocd-cmd-params-cm --type=merge --patch='{"data":{"server.insecure":"true"}}'
  "${argocd[@]}" rollout restart deployment argocd-server
fi
"${argocd[@]}" patch service argocd-server --patch \
  "{\"spec\":{\"type\":\"NodePort\",\"ports\":[{\"name\":\"http\",\"port\":80,\"targetPort\":8080,\"nodePort\":$node_port}]}}"
"${argocd[@]}" rollout status deployment argocd-server --timeout=300s
"${argocd[@]}" rollout status statefulset argocd-application-controller --timeout=300s

if [ -n "${REPOSITORY_TOKEN:-}" ]; then
  # Argo CD looks only at Secrets with this label. The token comes by standard input, not as an argument.
  printf '%s' "$REPOSITORY_TOKEN" |
    kubectl create secret generic repository --namespace "$namespace" --from-literal=type=git \
      --from-literal=url="$repository" --from-literal=username=git --from-file=password=/dev/stdin \
      --dry-run=client --output=yaml |
    kubectl label --local --filename=- --output=yaml argocd.argoproj.io/secret-type=repository |
    kubectl apply --filename=-
fi

kubectl apply --filename=infra/argocd/

echo "Argo CD answers on port $node_port of every node, over http. User: admin"
password=(kubectl --namespace "$namespace" get secret argocd-initial-admin-secret '--output=jsonpath={.data.password}')
if [ -t 1 ]; then
  echo "Password: $("${password[@]}" | base64 --decode)"
else
  echo "Password: ${password[*]} | base64 --decode"
fi

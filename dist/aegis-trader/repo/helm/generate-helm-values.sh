#!/usr/bin/env bash
# Writes the Helm values of an environment: generate-helm-values.sh staging -> values.staging.yaml
# Variables of ../.deploy.env win over the values here. Image tags are set by the pipeline.
set -euo pipefail

if [ "${1:-}" != staging ]; then
  echo "usage: generate-helm-values.sh staging" >&2
  exit 2
fi
if [ -f ../.deploy.env ]; then
  # shellcheck source=/dev/null
  . ../.deploy.env
fi

cat > values.staging.yaml << END
global:
  environment: staging
nats:
  config:
    cluster: { enabled: true, replicas: ${NATS_REPLICAS:-3} }
    jetstream:
      enabled: true
      fileStore: { enabled: true, pvc: { enabled: true, size: "${NATS_STORAGE:-2Gi}" } }
  natsBox: { enabled: true }
  container:
    merge:
      resources:
        requests: { cpu: "100m", memory: "256Mi" }
        limits: { cpu: "100m", memory: "256Mi" }
monitor-api:
  replicaCount: 1
  service: { type: ClusterIP, port: ${API_PORT:-8100} }
  env:
    NATS_URL: "nats://${HELM_RELEASE_NAME:-aegis-staging}-nats:${NATS_PORT:-4222}"
    API_PORT: "${API_PORT:-8100}"
  resources:
    requests: { cpu: "100m", memory: "256Mi" }
    limits: { cpu: "100m", memory: "256Mi" }
monitor-ui:
  replicaCount: 1
  service: { type: ClusterIP, port: ${UI_PORT:-3100} }
  env:
    NEXT_PUBLIC_API_URL: "http://${HELM_RELEASE_NAME:-aegis-staging}-monitor-api:${API_PORT:-8100}"
    PORT: "${UI_PORT:-3100}"
  resources:
    requests: { cpu: "100m", memory: "256Mi" }
    limits: { cpu: "100m", memory: "256Mi" }
END
echo values.staging.yaml

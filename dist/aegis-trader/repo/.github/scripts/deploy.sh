#!/usr/bin/env bash
# Deploys one tag with Helm. Run in the folder of the chart.
# Environment: RELEASE, NAMESPACE, VALUES_FILE, IMAGE_TAG, IMAGES (lines: subchart=repository), GITHUB_OUTPUT.
# Output: revision, the one that was deployed before (0 if none).
set -euo pipefail

fail() {
  echo "deploy: $1" >&2
  exit 1
}

[ -n "${IMAGE_TAG:-}" ] || fail "no tag was pushed, so there is nothing to deploy"
[ -f "$VALUES_FILE" ] || fail "the values file $VALUES_FILE is missing"

# As text: a tag of digits, or one like 12345e7, would otherwise become a number.
settings=()
while IFS='=' read -r subchart repository; do
  [ -n "$subchart" ] || continue
  settings+=(--set-string "$subchart.image.repository=$repository" --set-string "$subchart.image.tag=$IMAGE_TAG")
done <<< "$IMAGES"

# A value that no template reads is ignored without a word, and the chart's own tag runs on.
rendered=$(helm template "$RELEASE" . --namespace "$NAMESPACE" --values "$VALUES_FILE" "${settings[@]}")
while IFS='=' read -r subchart repository; do
  [ -n "$subchart" ] || continue
  grep -Eq "image: \"?$repository:${IMAGE_TAG//./\\.}\"?\$" <<< "$rendered" ||
    fail "the chart does not use $subchart.image.tag: no container has $repository:$IMAGE_TAG"
done <<< "$IMAGES"

kubectl get namespace "$NAMESPACE" > /dev/null 2>&1 ||
  kubectl create namespace "$NAMESPACE" --dry-run=client --output=yaml | kubectl apply --filename=-
good=$(helm history "$RELEASE" --namespace "$NAMESPACE" --output json 2> /dev/null |
  jq -r '[.[] | select(.status == "deployed")] | last | .revision // 0') || good=0
echo "revision=${good:-0}" >> "$GITHUB_OUTPUT"
helm upgrade --install "$RELEASE" . --namespace "$NAMESPACE" --values "$VALUES_FILE" --timeout 10m --wait --atomic "${settings[@]}"

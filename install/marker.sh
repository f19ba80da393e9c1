# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# A ConfigMap that says which system is installed, which names it holds, and which namespaces were there before it.

claims=''
marker_state=''
marker_revision=''
marker_adopted=''
marker_snapshot=''

read_marker() {
  query get configmap "pipelines-$system" --namespace="$marker_namespace" --ignore-not-found \
    -o 'jsonpath={.data.state}|{.data.revision}|{.data.adopted}|{.data.claims}|{.data.snapshot}'
  IFS='|' read -r marker_state marker_revision marker_adopted claims marker_snapshot _ <<< "$answer||||"
}

write_marker() {
  marker_state=$1
  k apply --server-side --field-manager="$set_up_user" -f - > /dev/null << EOF
apiVersion: v1
kind: ConfigMap
metadata:
  name: pipelines-$system
  namespace: $marker_namespace
  labels:
    app.kubernetes.io/part-of: $system
    app.kubernetes.io/managed-by: pipelines
    app.kubernetes.io/component: install-marker
data:
  system: $system
  state: $marker_state
  revision: "$marker_revision"
  adopted: "$marker_adopted"
  claims: "$claims"
  snapshot: "$marker_snapshot"
EOF
}

# Namespaces that exist before the first step are adopted: the teardown does not delete them.
begin_install() {
  local wanted_claims=$claims name
  read_marker
  [[ -n $wanted_claims ]] || wanted_claims=$claims
  if [[ -z $marker_state ]]; then
    query get namespaces -o name
    split_list "$wanted_claims"
    marker_adopted=''
    for name in "${list[@]}"; do
      [[ $name != namespace/* || $'\n'$answer$'\n' != *$'\n'"$name"$'\n'* ]] || marker_adopted+=${marker_adopted:+,}${name#namespace/}
    done
  fi
  head_revision
  if [[ $marker_state != installed || $marker_revision != "$revision" || $claims != "$wanted_claims" ]]; then
    claims=$wanted_claims
    marker_revision=$revision
    marker_snapshot=''
    write_marker installing
  fi
}

end_install() { [[ $marker_state == installed ]] || write_marker installed; }

forget_marker() { k delete configmap "pipelines-$system" --namespace="$marker_namespace" --ignore-not-found > /dev/null; }

# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# Removes actions-runner-controller: scale sets while their controller still cleans up after them, then the controller.

readonly arc_kinds=(autoscalingrunnersets ephemeralrunnersets ephemeralrunners autoscalinglisteners)

# arc_resources: those of its kinds that the cluster knows, joined by commas.
arc_resources() {
  local kind text=''
  for kind in "${arc_kinds[@]}"; do ! has_crd "$kind.actions.github.com" || text+=${text:+,}$kind.actions.github.com; done
  printf '%s' "$text"
}

# strip_arc_finalizers NAMESPACE: finishes what the controller did not.
strip_arc_finalizers() {
  local namespace=$1 kinds object finalizers
  read_crds
  kinds=$(arc_resources)
  kinds+=${kinds:+,}roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,serviceaccounts,secrets
  query get "$kinds" --namespace="$namespace" -o 'go-template={{range .items}}{{if .metadata.finalizers}}{{.kind}}/{{.metadata.name}} {{.metadata.finalizers}}{{"\n"}}{{end}}{{end}}'
  while read -r object finalizers; do
    [[ $finalizers == *actions.github.com/* ]] || continue
    k patch "$object" --namespace="$namespace" --type=merge -p '{"metadata":{"finalizers":null}}' > /dev/null
    say "    $object: its finalizer was stuck, removed"
  done <<< "$answer"
}

verb_remove_arc() {
  local namespace=${step[namespace]} controller=${step[controller]} timeout=${step[timeout]} present release resources
  local there each objects=("namespace/$namespace")
  split_list "${step[bindings]:-}"
  for each in "${list[@]}"; do objects+=("clusterrolebinding.rbac.authorization.k8s.io/$each"); done
  [[ -z ${step[volume]:-} ]] || objects+=("persistentvolume/${step[volume]}")
  query get "${objects[@]}" --ignore-not-found -o name
  there=$answer
  if [[ -z $there ]]; then
    say '    there are none'
    return 0
  fi
  if [[ $'\n'$there$'\n' == *$'\n'"namespace/$namespace"$'\n'* ]]; then
    read_crds
    present=$(h list --namespace="$namespace" --all --short)
    # Everything in this namespace is a scale set, but for the controller.
    for release in $present; do
      [[ $release != "$controller" ]] || continue
      h uninstall "$release" --namespace="$namespace" --ignore-not-found --timeout="${timeout}s" > /dev/null
      say "    scale set $release: removed"
    done
    resources=$(arc_resources)
    answer=''
    [[ -z $resources ]] || query get "$resources" --namespace="$namespace" -o name
    if [[ -n $answer ]]; then
      k delete autoscalingrunnersets.actions.github.com --all --namespace="$namespace" --wait=false > /dev/null
      k wait --for=delete "$resources" --all --namespace="$namespace" --timeout="${timeout}s" > /dev/null 2>&1 || strip_arc_finalizers "$namespace"
    fi
    if [[ $'\n'$present$'\n' == *$'\n'"$controller"$'\n'* ]]; then
      h uninstall "$controller" --namespace="$namespace" --ignore-not-found --timeout="${timeout}s" > /dev/null
      say "    controller $controller: removed"
    fi
    strip_arc_finalizers "$namespace"
  fi
  delete_namespaces 120 "$namespace"
  # Of the volume only the object: the directory on the share stays.
  for each in "${objects[@]:1}"; do k delete "$each" --ignore-not-found --wait --timeout=60s > /dev/null; done
  say "    ${objects[*]}: gone"
}

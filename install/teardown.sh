# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# The steps of runmelast.sh.

verb_stop() {
  split_list "${step[workloads]}"
  k delete "${list[@]}" --namespace="${step[namespace]}" --ignore-not-found --cascade=foreground --wait --timeout="${step[timeout]}s" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 1 "$scratch/error")"
    die "$exit_timeout" "${step[workloads]} of ${step[namespace]} did not stop within ${step[timeout]} s" 'look at its pods, then run again'
  }
  say "    ${step[namespace]}: ${step[workloads]//,/, } stopped"
}

verb_final_snapshot() {
  local each job failed=''
  if [[ -n $marker_snapshot ]]; then
    say "    already taken ($marker_snapshot)"
    return 0
  fi
  answer=''
  ! has_crd projects.kargo.akuity.io || query get projects.kargo.akuity.io "${step[project]}" --ignore-not-found -o name
  if [[ -z $answer ]]; then
    say "    no Kargo project ${step[project]}: nothing to keep, the last snapshot stays the latest"
    return 0
  fi
  query get configmap "${step[restore-mark]#*/}" --namespace="${step[restore-mark]%%/*}" --ignore-not-found -o 'jsonpath={.data.phase}'
  if [[ -n $answer && $answer != "${step[restore-done]}" ]]; then
    say '    the restore never finished: the snapshot that it reads stays the latest'
    return 0
  fi
  split_list "${step[jobs]}"
  for each in "${list[@]}"; do
    IFS='|' read -r -a job <<< "$each"
    if ! is_there "${job[3]:-}" "${job[1]}"; then
      say "    ${job[2]}: there is no ${job[3]}"
      continue
    fi
    run_job "${job[0]}" "${job[1]}" "${job[2]}" "${step[timeout]}" || failed=${job[2]}
    [[ -z $failed ]] || break
  done
  if [[ -n $failed ]]; then
    $force || die "$exit_protected" "the last snapshot failed in Job $failed, so nothing was removed" \
      'remove the cause and run again; ./runmefirst.sh brings back what was stopped; --force goes on with the snapshot before it'
    warn "    Job $failed failed; going on because of --force: the snapshot before it stays the latest"
    return 0
  fi
  marker_snapshot=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  write_marker removing
  say "    taken and checked"
}

verb_orphan_applications() {
  local namespace=${step[namespace]} kind name part foreign='' names all
  has_crd applications.argoproj.io || return 0
  query get applications.argoproj.io,appprojects.argoproj.io --namespace="$namespace" --no-headers \
    -o 'custom-columns=N:.metadata.name,P:.metadata.labels.app\.kubernetes\.io/part-of,K:.kind'
  while read -r name part kind; do
    [[ $kind != Application || $part == "$system" ]] || foreign+=" $name"
  done <<< "$answer"
  [[ -z $foreign ]] || $force || die "$exit_protected" "Argo CD in $namespace also keeps Applications that are not of $system:$foreign" \
    'move them to another Argo CD, or run with --force: they are deleted too, their workloads stay'
  all=$answer
  for kind in Application AppProject; do
    names=$(sed -n "s/^\([^ ]*\) .* $kind\$/\1/p" <<< "$all" | tr '\n' ' ')
    [[ -n $names ]] || continue
    for name in $names; do
      # A finalizer would delete the workloads; a parked operation would start after a rebuild.
      k patch "$kind.argoproj.io" "$name" --namespace="$namespace" --type=merge -p '{"metadata":{"finalizers":null},"operation":null}' > /dev/null
    done
    # shellcheck disable=SC2086 # a list of names
    k delete "$kind.argoproj.io" $names --namespace="$namespace" --ignore-not-found --cascade=orphan --wait --timeout=60s > /dev/null
    say "    $kind: $names"
  done
}

verb_delete_labelled() {
  k delete "${step[kinds]}" --all-namespaces --selector="app.kubernetes.io/part-of=$system,app.kubernetes.io/managed-by=pipelines" --ignore-not-found --wait --timeout=120s -o name > "$scratch/deleted"
  say "    $(wc -l < "$scratch/deleted" | tr -d ' ') removed"
}

verb_purge_project() {
  local project=${step[project]} kinds='' kind
  if ! $purge; then
    say "    project $project and its history stay (--purge removes them)"
    return 0
  fi
  # Promotions and Freight first: their deletion passes Kargo's webhooks, which still run.
  for kind in promotions freights stages warehouses projectconfigs; do
    ! has_crd "$kind.kargo.akuity.io" || kinds+=${kinds:+,}$kind.kargo.akuity.io
  done
  [[ -n $kinds ]] || return 0
  k delete "$kinds" --all --namespace="$project" --wait --timeout="${step[timeout]}s" > /dev/null
  k delete projects.kargo.akuity.io "$project" --ignore-not-found --wait --timeout="${step[timeout]}s" > /dev/null
  delete_namespaces "${step[timeout]}" "$project"
  say "    project $project: gone"
}

# delete_namespaces TIMEOUT NAME...
delete_namespaces() {
  local timeout=$1
  shift
  k delete namespaces "$@" --ignore-not-found --wait --timeout="${timeout}s" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 1 "$scratch/error")"
    k get namespaces "$@" --ignore-not-found -o 'jsonpath={range .status.conditions[?(@.status=="True")]}{.message}{"\n"}{end}' >&2 || true
    die "$exit_timeout" "namespaces $* are not gone after $timeout s" 'the lines above say what holds them; remove it and run again'
  }
}

verb_delete_namespaces() {
  local name made=() kinds=deployments,statefulsets,cronjobs,services,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,ingresses,secrets
  split_list "${step[names]}"
  for name in "${list[@]}"; do
    if [[ ,$marker_adopted, != *",$name,"* ]]; then
      made+=("$name")
    else
      k delete "$kinds" --namespace="$name" --selector="app.kubernetes.io/part-of=$system,app.kubernetes.io/managed-by=pipelines" --ignore-not-found > /dev/null
      say "    $name: was there before, kept without this system's objects"
    fi
  done
  [[ ${#made[@]} -gt 0 ]] || return 0
  delete_namespaces "${step[timeout]}" "${made[@]}"
  await_released
  say "    ${made[*]}: gone"
}

# The volume controller notices a little later that a claim is gone; until then a volume cannot be cleared.
await_released() {
  local name phase volumes bound
  steps_of clear-released-volumes
  [[ ${#matching[@]} -gt 0 ]] || return 0
  volumes=${matching[0]#*names=}
  split_list "${volumes%%$'\t'*}"
  query get persistentvolumeclaims --all-namespaces --no-headers -o 'custom-columns=V:.spec.volumeName,P:.status.phase'
  bound=$answer
  query get persistentvolumes "${list[@]}" --ignore-not-found --no-headers -o 'custom-columns=N:.metadata.name,P:.status.phase'
  while read -r name phase; do
    [[ $phase == Bound && $'\n'$bound != *$'\n'"$name "* ]] || continue
    k wait persistentvolume "$name" --for='jsonpath={.status.phase}=Released' --timeout=60s > /dev/null
  done <<< "$answer"
}

# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# Rendered objects, Jobs, volumes, and waiting for them.

# Jobs that were there before the first one ran, as ` namespace/name ... `.
left_jobs=''

# kept_by NAMESPACE/NAME: the Application has synced this very revision, so Argo CD keeps its objects.
kept_by() {
  has_crd applications.argoproj.io || return 1
  head_revision
  query get applications.argoproj.io "${1#*/}" --namespace="${1%%/*}" --ignore-not-found -o 'jsonpath={.status.sync.status} {.status.sync.revision}'
  [[ $answer == "Synced $revision" ]]
}

verb_apply() {
  if [[ -n ${step[kept-by]:-} ]] && kept_by "${step[kept-by]}"; then
    say "    ${step[path]}: kept by Argo CD"
    return 0
  fi
  k apply --server-side --force-conflicts --field-manager="$field_manager" --recursive -f "$dist/${step[path]}" > "$scratch/applied"
  known_crds=''
  say "    ${step[path]}: $(wc -l < "$scratch/applied" | tr -d ' ') applied"
}

# job_wanted CONDITION
job_wanted() {
  case $1 in
    always) return 0 ;;
    kargo-not-whole) ! release_is_whole kargo ;;
    before-upgrade) upgrade_pending ;;
    secrets-missing) secrets_missing ;;
    *) die "$exit_failed" "unknown condition $1 of a Job" 'the plan and the scripts come from different revisions: run npm run synth' ;;
  esac
}

verb_job() {
  if ! job_wanted "${step[when]:-always}"; then
    say "    ${step[what]}: not needed"
    return 0
  fi
  if ! is_there "${step[needs]:-}" "${step[namespace]}"; then
    say "    ${step[what]}: there is no ${step[needs]}"
    return 0
  fi
  say "    ${step[what]}"
  run_job "${step[path]}" "${step[namespace]}" "${step[name]}" "${step[timeout]}" || die "$exit_failed" "${step[what]}: Job ${step[namespace]}/${step[name]} failed" 'its log stands above; the Job is left for a closer look'
}

# is_there KIND/NAME NAMESPACE: true for nothing, too.
is_there() {
  [[ -n $1 ]] || return 0
  query get "$1" --namespace="$2" --ignore-not-found -o name
  [[ -n $answer ]]
}

# run_job PATH NAMESPACE NAME TIMEOUT: to its end; false if it failed, with its log. A succeeded Job is removed. The file may
# hold what the Job needs besides: its script, its account. The path `cronjob/X` runs that CronJob once.
run_job() {
  local path=$1 namespace=$2 name=$3 timeout=$4
  if [[ $path == cronjob/* ]]; then
    remove_job "$namespace" "$name"
    k create job "$name" --namespace="$namespace" --from="$path" > /dev/null 2> "$scratch/error" || {
      warn "$(tail -n 3 "$scratch/error")"
      return 1
    }
    finish_job "$namespace" "$name" "$timeout"
    return
  fi
  if [[ -z $left_jobs ]]; then
    query get jobs --all-namespaces --selector="app.kubernetes.io/part-of=$system,app.kubernetes.io/managed-by=pipelines" --no-headers -o 'custom-columns=N:.metadata.namespace,J:.metadata.name'
    left_jobs=" $(tr -s ' \n' '/ ' <<< "$answer") "
  fi
  # Left by an interrupted run: its pod must be gone before another one touches the same data.
  [[ $left_jobs != *" $namespace/$name "* ]] || remove_job "$namespace" "$name"
  k apply --server-side --force-conflicts --field-manager="$field_manager" -f "$dist/$path" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 3 "$scratch/error")"
    return 1
  }
  finish_job "$namespace" "$name" "$timeout"
}

# finish_job NAMESPACE NAME TIMEOUT
finish_job() {
  local namespace=$1 name=$2 timeout=$3 conditions
  if ! conditions=$(k wait job "$name" --namespace="$namespace" --for='jsonpath={.status.conditions[0].type}' --timeout="${timeout}s" -o 'jsonpath={.status.conditions[*].type}' 2> "$scratch/error"); then
    warn "$(tail -n 1 "$scratch/error")"
    k get pods --namespace="$namespace" --selector="job-name=$name" >&2 || true
    die "$exit_timeout" "Job $namespace/$name did not end within $timeout s" "kubectl describe job $name --namespace $namespace"
  fi
  if [[ $conditions == *Fail* ]]; then
    k logs "job/$name" --namespace="$namespace" --tail=40 >&2 || true
    return 1
  fi
  remove_job "$namespace" "$name"
}

remove_job() {
  k delete job "$2" --namespace="$1" --ignore-not-found --cascade=foreground --wait --timeout=120s > /dev/null 2> "$scratch/error" ||
    die "$exit_timeout" "Job $1/$2 cannot be removed: $(tail -n 1 "$scratch/error")" 'look at its pods, then run again'
}

# A claim that was deleted stays in the volume by its uid, and no new claim can bind it. Only a Released volume is touched:
# the same patch on a Bound one would make its claim Lost for good.
verb_clear_released_volumes() {
  local name phase claim
  split_list "${step[names]}"
  query get persistentvolumes "${list[@]}" --ignore-not-found --no-headers -o 'custom-columns=N:.metadata.name,P:.status.phase,C:.spec.claimRef.name'
  while read -r name phase claim; do
    [[ $phase == Released ]] || continue
    k patch persistentvolume "$name" --type=merge -p '{"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}' > /dev/null
    say "    $name: ready to be bound again by $claim"
  done <<< "$answer"
}

verb_await_claims() {
  local each
  split_list "${step[claims]}"
  for each in "${list[@]}"; do
    await persistentvolumeclaim "${each%%/*}" "${each#*/}" '{.status.phase}' Bound "${step[timeout]}"
  done
}

verb_await_rollout() {
  k rollout status "${step[kind]}/${step[name]}" --namespace="${step[namespace]}" --timeout="${step[timeout]}s" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 1 "$scratch/error")"
    k get pods --namespace="${step[namespace]}" >&2 || true
    die "$exit_timeout" "${step[kind]} ${step[namespace]}/${step[name]} is not ready after ${step[timeout]} s" 'look at its pods and events, then run again'
  }
  say "    ${step[namespace]}/${step[name]}: ready"
}

# await KIND NAMESPACE NAME JSONPATH VALUE TIMEOUT
await() {
  k wait "$1" "$3" --namespace="$2" --for="jsonpath=$4${5:+=$5}" --timeout="$6s" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 1 "$scratch/error")"
    die "$exit_timeout" "$1 $2/$3: $4 is not ${5:-set} after $6 s" "kubectl describe $1 $3 --namespace $2"
  }
}

verb_await() { await "${step[kind]}" "${step[namespace]}" "${step[name]}" "${step[jsonpath]}" "${step[value]:-}" "${step[timeout]}"; }

verb_await_accepted() {
  local end=$((SECONDS + step[timeout]))
  until k apply --server-side --force-conflicts --field-manager="$field_manager" --dry-run=server -f "$dist/${step[path]}" > /dev/null 2> "$scratch/error"; do
    ((SECONDS < end)) || die "$exit_timeout" "the API server still refuses ${step[path]}: $(tail -n 1 "$scratch/error")" 'a webhook does not answer; look at the pods that serve it'
    sleep 2
  done
  say "    ${step[path]}: accepted"
}

verb_await_revision() {
  local namespace=${step[namespace]} name=${step[application]}
  head_revision
  query get applications.argoproj.io "$name" --namespace="$namespace" -o 'jsonpath={.status.sync.status} {.status.sync.revision}'
  if [[ $answer != "Synced $revision" ]]; then
    k annotate applications.argoproj.io "$name" --namespace="$namespace" --overwrite argocd.argoproj.io/refresh=normal > /dev/null
    await applications.argoproj.io "$namespace" "$name" '{.status.sync.revision}' "$revision" "${step[timeout]}"
    await applications.argoproj.io "$namespace" "$name" '{.status.sync.status}' Synced "${step[timeout]}"
  fi
  say "    $name shows revision ${revision:0:12}"
}

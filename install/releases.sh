# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# Helm releases. The description of a revision carries a digest of what it was made from, so that nothing is upgraded twice.

# release_history NAME NAMESPACE: sets release_status, release_text (the description) and release_revision of the latest
# revision, all empty if there is none.
release_history() {
  local json last
  release_status='' release_text='' release_revision=''
  json=$(h history "$1" --namespace="$2" --max=1 -o json 2> "$scratch/error") || {
    grep -q 'not found' "$scratch/error" || die "$exit_failed" "helm history $1: $(tail -n 1 "$scratch/error")"
    return 0
  }
  last=$json
  [[ $last =~ \"revision\":([0-9]+) ]] && release_revision=${BASH_REMATCH[1]}
  [[ $last =~ \"status\":\"([a-z-]+)\" ]] && release_status=${BASH_REMATCH[1]}
  [[ $last =~ \"description\":\"([^\"]*)\" ]] && release_text=${BASH_REMATCH[1]}
  return 0
}

# release_digest: of the current step's chart, version and values.
release_digest() {
  local each
  split_list "${step[values]:-}"
  {
    printf '%s\n' "${step[chart]}" "${step[repository]:-}" "${step[version]}"
    for each in "${list[@]}"; do cat "$dist/$each"; done
  } | sha256sum | cut -c 1-24
}

# release_steps: the plan's releases that are installed whole, as lines in the array `matching`.
release_steps() {
  local line whole=()
  steps_of release
  for line in "${matching[@]}"; do [[ $line == *$'\tmode=base'* ]] || whole+=("$line"); done
  matching=("${whole[@]}")
}

# with_step LINE FUNCTION ARG...: calls the function with another step, then brings the current one back.
with_step() {
  local line=$1 saved result=0
  shift
  saved=$(declare -p step)
  read_step "$line"
  "$@" || result=$?
  eval "${saved/declare -A/declare -gA}"
  return "$result"
}

is_whole_release() {
  [[ ${step[name]} == "$1" ]] || return 1
  release_history "${step[name]}" "${step[namespace]}"
  [[ $release_status == deployed && $release_text != 'pipelines base '* ]]
}

# release_is_whole NAME: installed with everything, by us or by somebody before us.
release_is_whole() {
  local line
  release_steps
  for line in "${matching[@]}"; do ! with_step "$line" is_whole_release "$1" || return 0; done
  return 1
}

differs_from_plan() {
  release_history "${step[name]}" "${step[namespace]}"
  [[ $release_status != deployed || $release_text != "pipelines whole $(release_digest)" ]]
}

# upgrade_pending: Kargo runs, and some release is not what the plan says.
upgrade_pending() {
  local line
  release_is_whole kargo || return 1
  release_steps
  for line in "${matching[@]}"; do ! with_step "$line" differs_from_plan || return 0; done
  return 1
}

# A run that was killed inside helm leaves a pending revision, on which helm refuses to work.
heal_release() {
  local name=$1 namespace=$2 good
  case $release_status in
    pending-* | uninstalling) ;;
    *) return 0 ;;
  esac
  good=$(h history "$name" --namespace="$namespace" -o json | tr '}' '\n' | sed -n '/"status":"\(deployed\|superseded\)"/ s/.*"revision":\([0-9]*\).*/\1/p' | tail -n 1)
  if [[ $release_status == uninstalling || -z $good ]]; then
    say "    $name: $release_status since an interrupted run, removed"
    h uninstall "$name" --namespace="$namespace" --ignore-not-found --wait --timeout=300s > /dev/null
  else
    say "    $name: $release_status since an interrupted run, back to revision $good"
    h rollback "$name" "$good" --namespace="$namespace" > /dev/null
  fi
  release_history "$name" "$namespace"
}

# release_is_complete NAME NAMESPACE: all its objects exist. Some charts name a namespace in every object, some in none, and kubectl
# refuses --namespace for an object that names another one.
release_is_complete() {
  local manifest document elsewhere='' here='' mark=$'\x1e'
  manifest=$(h get manifest "$1" --namespace="$2") || return 1
  while IFS= read -r -d "$mark" document; do
    [[ $document == *[![:space:]]* ]] || continue
    if [[ $document =~ $'\n'[[:space:]]+namespace: ]]; then
      elsewhere+=$'\n---\n'$document
    else
      here+=$'\n---\n'$document
    fi
  done <<< "${manifest//$'\n---'/$mark}$mark"
  [[ -z $here ]] || k get --namespace="$2" -f - -o name <<< "$here" > /dev/null 2> "$scratch/error" || return 1
  [[ -z $elsewhere ]] || k get -f - -o name <<< "$elsewhere" > /dev/null 2> "$scratch/error"
}

verb_release() {
  local name=${step[name]} namespace=${step[namespace]} mode=${step[mode]:-whole} digest args=() each
  release_history "$name" "$namespace"
  heal_release "$name" "$namespace"
  if [[ $mode == base && $release_status == deployed && $release_text != 'pipelines base '* ]]; then
    say "    $name: already installed whole"
    return 0
  fi
  digest=$(release_digest)
  if [[ $release_status == deployed && $release_text == "pipelines $mode $digest" ]] && release_is_complete "$name" "$namespace"; then
    say "    $name ${step[version]}: unchanged"
    return 0
  fi
  split_list "${step[values]:-}"
  for each in "${list[@]}"; do args+=(--values "$dist/$each"); done
  [[ -z ${step[repository]:-} ]] || args+=(--repo "${step[repository]}")
  h upgrade "$name" "$(chart_of "${step[chart]}")" --install --namespace="$namespace" --version="${step[version]}" "${args[@]}" \
    --take-ownership --history-max=5 --description="pipelines $mode $digest" --wait --timeout="${step[timeout]}s" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 5 "$scratch/error")"
    k get pods --namespace="$namespace" >&2 || true
    die "$exit_failed" "release $namespace/$name ${step[version]} could not be installed" 'remove the cause and run again; an unfinished revision is rolled back first'
  }
  known_crds=''
  say "    $name ${step[version]}: installed ($mode)"
}

# A folder is relative to this checkout.
chart_of() { if [[ $1 == ./* ]]; then printf '%s\n' "$root/${1#./}"; else printf '%s\n' "$1"; fi; }

verb_uninstall() {
  h uninstall "${step[name]}" --namespace="${step[namespace]}" --ignore-not-found --wait --timeout="${step[timeout]}s" > /dev/null 2> "$scratch/error" || {
    warn "$(tail -n 3 "$scratch/error")"
    die "$exit_failed" "release ${step[namespace]}/${step[name]} could not be removed" 'remove the cause and run again'
  }
  say "    ${step[name]}: removed"
}

# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# The closing table.

addresses=()

verb_address() { addresses+=("$(printf '%-22s %s' "${step[name]}" "${step[url]}")"); }
verb_note() { still_needed+=("${step[text]}"); }
verb_kept() { addresses+=("${step[text]}"); }

verb_stages() {
  local project=${step[project]} line
  answer=''
  ! has_crd stages.kargo.akuity.io || query get stages.kargo.akuity.io --namespace="$project" --ignore-not-found --no-headers \
    -o 'custom-columns=S:.metadata.name,F:.status.freightSummary,P:.status.lastPromotion.name'
  addresses+=("$(printf '%-22s %s' "stages of $project" "$([[ -n $answer ]] || echo 'none yet: the root Application makes them')")")
  [[ -z $answer ]] || while IFS= read -r line; do addresses+=("    $line"); done <<< "$answer"
}

show_status() {
  local each
  say ''
  for each in "${addresses[@]}"; do say "$each"; done
  [[ ${#still_needed[@]} -gt 0 ]] || return 0
  say ''
  say 'Still needs a person:'
  for each in "${still_needed[@]}"; do say "  - $each"; done
}

# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# Reads a plan (model/install-plan) and runs its steps: one function `verb_<name>` for each verb.

plan_lines=()

# read_plan FILE
read_plan() { mapfile -t plan_lines < <(grep -v '^#' "$dist/$1"); }

# read_step LINE: sets step_phase, step_verb and the map `step`.
read_step() {
  local fields field
  IFS=$'\t' read -r -a fields <<< "$1"
  step_phase=${fields[0]}
  step_verb=${fields[1]}
  step=()
  for field in "${fields[@]:2}"; do step[${field%%=*}]=${field#*=}; done
}

# The phases of the plan, in order, in the array `phases`.
read_phases() {
  local line phase
  phases=()
  for line in "${plan_lines[@]}"; do
    phase=${line%%$'\t'*}
    [[ ${#phases[@]} -gt 0 && ${phases[-1]} == "$phase" ]] || phases+=("$phase")
  done
}

phase_title() { sed -n "s/^# $1: //p" "$dist/$plan_file"; }

check_from() {
  local phase
  [[ -n $from_phase ]] || return 0
  for phase in "${phases[@]}"; do [[ $phase != "$from_phase" ]] || return 0; done
  die "$exit_usage" "no phase is called $from_phase" "one of: ${phases[*]}"
}

# What --dry-run shows.
show_plan() {
  local line last='' text key
  for line in "${plan_lines[@]}"; do
    read_step "$line"
    if [[ $step_phase != "$last" ]]; then
      last=$step_phase
      say "$step_phase: $(phase_title "$step_phase")"
    fi
    text="    $step_verb"
    [[ -z ${step[path]:-} ]] || text+=" ${step[path]}"
    [[ -z ${step[namespace]:-} && -z ${step[name]:-} ]] || text+=" ${step[namespace]:-}${step[namespace]:+${step[name]:+/}}${step[name]:-}"
    for key in workloads names claims kinds url host zone stage text; do [[ -z ${step[$key]:-} ]] || text+=" ${step[$key]}"; done
    [[ -z ${step[minimum]:-} ]] || text+=" (${step[minimum]} or newer)"
    say "$text"
  done
}

# run_plan: every phase but preflight, which comes before it.
run_plan() {
  local line last='' number=0 skipping=false
  [[ -z $from_phase ]] || skipping=true
  for line in "${plan_lines[@]}"; do
    read_step "$line"
    if [[ $step_phase != "$last" ]]; then
      last=$step_phase
      number=$((number + 1))
      [[ $step_phase != "$from_phase" ]] || skipping=false
      if [[ $step_phase != preflight ]]; then
        if $skipping; then say "[$number/${#phases[@]}] $step_phase: skipped"; else say "[$number/${#phases[@]}] $step_phase: $(phase_title "$step_phase")"; fi
      fi
    fi
    [[ $step_phase != preflight ]] || continue
    ! $skipping || continue
    current_step="phase $step_phase, step $step_verb ${step[name]:-${step[path]:-${step[names]:-}}}"
    "verb_${step_verb//-/_}"
    current_step=''
  done
}

# run_checks: the steps of preflight; each notes its problems.
run_checks() {
  local line
  for line in "${plan_lines[@]}"; do
    read_step "$line"
    [[ $step_phase == preflight ]] || continue
    "verb_${step_verb//-/_}"
  done
}

# steps_of VERB: the plan lines with the verb, in the array `matching`.
steps_of() {
  local line rest
  matching=()
  for line in "${plan_lines[@]}"; do
    rest=${line#*$'\t'}
    [[ ${rest%%$'\t'*} != "$1" ]] || matching+=("$line")
  done
}

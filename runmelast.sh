#!/usr/bin/env bash
# Takes a delivery pipeline away; the application, the forge, the volumes and their data stay. Safe to run again.
[[ ${BASH_VERSINFO[0]} -ge 5 || (${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4) ]] || {
  echo 'error: bash 4.4 or newer is needed' >&2
  exit 4
}
set -euo pipefail
shopt -s inherit_errexit
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=install/common.sh
source "$root/install/common.sh"
# shellcheck source=install/plan.sh
source "$root/install/plan.sh"
# shellcheck source=install/preflight.sh
source "$root/install/preflight.sh"
# shellcheck source=install/marker.sh
source "$root/install/marker.sh"
# shellcheck source=install/objects.sh
source "$root/install/objects.sh"
# shellcheck source=install/releases.sh
source "$root/install/releases.sh"
# shellcheck source=install/secrets.sh
source "$root/install/secrets.sh"
# shellcheck source=install/repositories.sh
source "$root/install/repositories.sh"
# shellcheck source=install/arc.sh
source "$root/install/arc.sh"
# shellcheck source=install/teardown.sh
source "$root/install/teardown.sh"
# shellcheck source=install/status.sh
source "$root/install/status.sh"

usage="usage: ./runmelast.sh [SYSTEM] [--dry-run] [--from PHASE] [--context NAME] [--state DIR] [--yes] [--force] [--purge]
  SYSTEM          a folder of dist/ (default: stonks-oracle)
  --dry-run       show the phases; change nothing
  --from PHASE    leave out the phases before this one
  --context NAME  the kubectl context (default: the current one)
  --state DIR     the folder with the secrets of this operator (default: ~/.config/pipelines)
  --yes           do not ask before a cluster that this machine has not seen
  --force         go on without a last snapshot, and with Applications of others
  --purge         also delete Kargo's project with its history (snapshots and audit stay on the volume)
exit codes: 0 done, 1 a step failed, 2 usage, 3 declined, 4 preflight (nothing changed), 5 refused to protect state, 6 time-out"

plan_file=teardown/plan.tsv
read_options "$usage" "$@"
start_up "$plan_file"
read_plan "$plan_file"
read_phases
check_from
if $dry_run; then
  show_plan
  exit 0
fi
say "[1/${#phases[@]}] preflight: $(phase_title preflight)"
run_checks
cluster_reachable || true
show_problems
confirm_cluster 'remove'
read_marker
if [[ -z $marker_state ]] && ! $force; then
  say "$system is not installed here; nothing to remove"
  exit 0
fi
[[ $marker_state == removing ]] || write_marker removing
run_plan
forget_marker
show_status

# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# What every part of runmefirst.sh and runmelast.sh uses: messages, exit codes, options, access to the cluster.

# Exit codes; docs/operate.md explains them.
readonly exit_failed=1      # a step failed; running the script again goes on from there
readonly exit_usage=2       # unknown option, system or phase
readonly exit_declined=3    # the operator did not agree, or could not be asked
readonly exit_preflight=4   # something is missing; nothing was changed
readonly exit_protected=5   # refused, because state would be lost or locked away
readonly exit_timeout=6     # something did not become ready in time

# The user that the cluster sees; the promotion gate knows it by name.
readonly set_up_user=pipelines-set-up
# Argo CD's own field manager: with any other, a field dropped from Git would stay on the object.
readonly field_manager=argocd-controller
# Markers of installed systems live where no system installs anything.
readonly marker_namespace=kube-system

system=stonks-oracle
context=''
from_phase=''
dry_run=false
assume_yes=false
force=false
purge=false
state_root=${XDG_CONFIG_HOME:-$HOME/.config}/pipelines
dist=''
scratch=''
current_step=''
answer=''
declare -A step=()
problems=()
kubectl_args=()
helm_args=()

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }

# die CODE MESSAGE [REMEDY]
die() {
  local code=$1 message=$2 remedy=${3:-}
  warn "error: $message"
  [[ -z $remedy ]] || warn "  $remedy"
  current_step=''
  exit "$code"
}

# problem MESSAGE REMEDY: kept until every check has run.
problem() { problems+=("$1"$'\n'"      $2"); }

# query ARG...: kubectl's output in the variable `answer`. A cluster that cannot be asked ends the script: taken for "there is
# none", it would lead to a second one being made.
query() {
  answer=$(k "$@" 2> "$scratch/error") ||
    die "$exit_failed" "kubectl $1 ${2:-}: $(tail -n 1 "$scratch/error")" 'if the cluster is reachable again, run the same command again'
}

k() { kubectl "${kubectl_args[@]}" "$@"; }
h() { helm "${helm_args[@]}" "$@"; }

set_access() {
  # The timeout of a request is left alone: waiting is a long request.
  kubectl_args=(--as="$set_up_user" --as-group=system:masters --as-group=system:authenticated)
  helm_args=(--kube-as-user="$set_up_user" --kube-as-group=system:masters --kube-as-group=system:authenticated)
  if [[ -n $context ]]; then
    kubectl_args+=(--context="$context")
    helm_args+=(--kube-context="$context")
  fi
}

# read_options USAGE ARG...
read_options() {
  local usage=$1
  shift
  while [[ $# -gt 0 ]]; do
    case $1 in
      --dry-run) dry_run=true ;;
      --yes) assume_yes=true ;;
      --force) force=true ;;
      --purge)
        [[ $plan_file == teardown/* ]] || die "$exit_usage" '--purge is an option of ./runmelast.sh' "$usage"
        purge=true
        ;;
      --from | --context | --state)
        [[ $# -ge 2 ]] || die "$exit_usage" "$1 needs a value" "$usage"
        case $1 in
          --from) from_phase=$2 ;;
          --context) context=$2 ;;
          --state) state_root=$2 ;;
        esac
        shift
        ;;
      -h | --help)
        say "$usage"
        exit 0
        ;;
      -*) die "$exit_usage" "unknown option $1" "$usage" ;;
      *) system=$1 ;;
    esac
    shift
  done
}

# start_up PLAN: the folders, the plan, and what happens at the end however it comes.
start_up() {
  local plan=$1 known=()
  dist=$root/dist/$system
  if [[ ! -f $dist/$plan ]]; then
    mapfile -t known < <(cd "$root/dist" 2>/dev/null && for each in */"$plan"; do [[ ! -f $each ]] || printf '%s\n' "${each%%/*}"; done)
    [[ ! -f $dist/README.md ]] ||
      die "$exit_usage" "$system has nothing that this script installs or removes" "dist/$system/README.md says how it is set up; the script knows: ${known[*]}"
    die "$exit_usage" "no system is called $system" "one of: ${known[*]:-none; run npm run synth}"
  fi
  set_access
  scratch=$(mktemp -d)
  trap finish EXIT
}

finish() {
  local code=$?
  [[ -z $scratch ]] || rm -rf "$scratch"
  if [[ $code -ne 0 && -n $current_step ]]; then
    warn "error: stopped in $current_step"
    warn '  after the cause is removed, run the same command again: it goes on where it stopped'
  fi
}

# split_list TEXT: the comma-separated entries, in the array `list`.
split_list() {
  list=()
  [[ -z $1 ]] || IFS=, read -r -a list <<< "$1"
}

# write_file PATH: standard input, readable by the owner only, complete or not at all.
write_file() {
  local path=$1 new
  new=$path.new
  mkdir -p "$(dirname "$path")"
  (umask 077 && cat > "$new")
  sync "$new"
  mv -f "$new" "$path"
}

# is_at_least HAVE WANT: compares dotted versions. A build from source calls itself 0.0.0-something and is believed.
is_at_least() {
  [[ $1 != ?(v)0.0.0-* ]] || return 0
  local have=${1#v} want=${2#v} i have_parts want_parts
  IFS=.-+ read -r -a have_parts <<< "$have"
  IFS=.-+ read -r -a want_parts <<< "$want"
  for i in "${!want_parts[@]}"; do
    local a=${have_parts[i]:-0} b=${want_parts[i]}
    [[ $a =~ ^[0-9]+$ && $b =~ ^[0-9]+$ ]] || continue
    ((10#$a == 10#$b)) || {
      ((10#$a > 10#$b))
      return
    }
  done
}

# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# Checks that change nothing. All run; then every problem is shown at once.

# The answers of the cluster, asked for once.
server_version=''
cluster_error=''
known_crds=''

# The cluster answers; if it does not, that is one problem, not one per check.
cluster_reachable() {
  if [[ -z $server_version && -z $cluster_error ]]; then
    local answer
    if answer=$(k get --raw /version --request-timeout=15s 2> "$scratch/error") && [[ $answer =~ \"gitVersion\":\ *\"([^\"]+)\" ]]; then
      server_version=${BASH_REMATCH[1]}
    else
      cluster_error=$(tail -n 1 "$scratch/error")
      cluster_error=${cluster_error:-kubectl gave no answer}
      problem "the cluster does not answer: $cluster_error" \
        "check the context (kubectl config current-context), the network, and the right to impersonate the user $set_up_user"
    fi
  fi
  [[ -n $server_version ]]
}

verb_require_tool() {
  local name=${step[name]} minimum=${step[minimum]:-} have=''
  if ! command -v "$name" > /dev/null; then
    problem "$name is not installed" "install $name${minimum:+ $minimum or newer}"
    return 0
  fi
  [[ -n $minimum ]] || return 0
  case $name in
    kubectl) have=$(kubectl version --client -o json 2> /dev/null | sed -n 's/.*"gitVersion": *"v\([^"]*\)".*/\1/p' | head -n 1) ;;
    helm) have=$(helm version --template '{{.Version}}' 2> /dev/null) ;;
    bash) have=${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]} ;;
    *) have=$("$name" --version 2> /dev/null | head -n 1 | grep -Eo '[0-9]+(\.[0-9]+)+' | head -n 1) ;;
  esac
  is_at_least "${have:-0}" "$minimum" || problem "$name is ${have:-of unknown version}" "install $name $minimum or newer"
}

verb_require_kubernetes() {
  cluster_reachable || return 0
  is_at_least "$server_version" "${step[minimum]}" ||
    problem "the cluster runs Kubernetes $server_version" "admission policies need ${step[minimum]} or newer; upgrade the cluster first"
}

# A dry run of a creation is answered with the API server's own time, and leaves nothing behind.
verb_require_clock() {
  local stamp difference
  cluster_reachable || return 0
  stamp=$(k create configmap pipelines-clock --namespace="$marker_namespace" --dry-run=server -o 'jsonpath={.metadata.creationTimestamp}' 2> "$scratch/error") || {
    problem "the API server refuses a dry run: $(tail -n 1 "$scratch/error")" "$set_up_user needs the group system:masters (kubectl --as)"
    return 0
  }
  difference=$(($(date -u +%s) - $(date -u -d "$stamp" +%s)))
  ((${difference#-} <= ${step[skew]:-30})) ||
    problem "the API server's clock and this machine's differ by ${difference#-} s" "promotion windows follow the API server's clock: set both by NTP"
}

read_crds() {
  [[ -z $known_crds ]] || return 0
  query get customresourcedefinitions -o name
  known_crds=$'\n'$answer$'\n'
}

has_crd() {
  read_crds
  [[ $known_crds == *$'\n'customresourcedefinition.apiextensions.k8s.io/"$1"$'\n'* ]]
}

verb_require_crds() {
  local name
  cluster_reachable || return 0
  split_list "${step[names]}"
  for name in "${list[@]}"; do has_crd "$name" || problem "the cluster does not know $name" "${step[remedy]}"; done
}

verb_require_issuer() {
  cluster_reachable || return 0
  if ! has_crd clusterissuers.cert-manager.io; then
    problem "no ClusterIssuer ${step[name]}: cert-manager is not installed" 'install cert-manager and its issuer'
  else
    query get clusterissuer "${step[name]}" --ignore-not-found -o name
    [[ -n $answer ]] || problem "no ClusterIssuer is called ${step[name]}" 'create it, or name another in the settings and run npm run synth'
  fi
}

verb_require_ingress_class() {
  cluster_reachable || return 0
  query get ingressclass "${step[name]}" --ignore-not-found -o name
  [[ -n $answer ]] ||
    problem "no IngressClass is called ${step[name]}" 'install that ingress controller, or name another in the settings and run npm run synth'
}

verb_require_url() {
  local status
  status=$(curl --silent --show-error --output /dev/null --write-out '%{http_code}' --connect-timeout 5 --max-time 15 "${step[url]}" 2> "$scratch/error") || status=000
  if [[ $status == 000 ]]; then
    problem "${step[what]} at ${step[url]} cannot be reached: $(tail -n 1 "$scratch/error")" 'check its address, its certificate and that it runs'
  elif [[ $status == 5* ]]; then
    problem "${step[what]} at ${step[url]} answers HTTP $status" 'look at its log; it has to run before the pipeline'
  fi
}

verb_require_port() {
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "${step[host]}" "${step[port]}" 2> /dev/null ||
    problem "${step[what]} at ${step[host]}:${step[port]} cannot be reached" 'check the address, the network and that the service runs'
}

# The rule of a definition is evaluated on its default value when the definition is checked: a dry run is enough to learn
# whether the API server has data for the zone.
verb_require_zone() {
  cluster_reachable || return 0
  k create --dry-run=server -o name -f - > /dev/null 2> "$scratch/error" << EOF || {
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: zones.probe.pipelines.invalid}
spec:
  group: probe.pipelines.invalid
  scope: Cluster
  names: {plural: zones, singular: zone, kind: Zone, listKind: ZoneList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            at:
              type: string
              default: "2026-01-01T12:00:00Z"
              maxLength: 32
              x-kubernetes-validations:
                - rule: timestamp(self).getHours('${step[zone]}') >= 0
EOF
    problem "the API server cannot evaluate the time zone ${step[zone]}: $(grep -v '^$' "$scratch/error" | tail -n 1 | cut -c 1-300)" \
      'install zone data on every control-plane node, or set promotion.clock to utc-arithmetic in the settings and run npm run synth'
  }
}

verb_require_clean_tree() {
  local changes
  if ! changes=$(git -C "$root" status --porcelain 2> "$scratch/error"); then
    problem "this folder is no Git checkout: $(tail -n 1 "$scratch/error")" 'clone the repository: what is pushed to the forge has to be what is applied'
  elif [[ -n $changes ]]; then
    problem "uncommitted changes: $(head -n 3 <<< "$changes" | tr '\n' ' ')" 'commit or remove them: what is pushed to the forge has to be what is applied'
  fi
}

verb_require_secret() {
  cluster_reachable || return 0
  find_missing_keys "${step[namespace]}" "${step[name]}" "${step[keys]}"
  [[ -n $missing ]] || return 0
  if [[ ${step[required]:-true} == true ]]; then
    problem "Secret ${step[namespace]}/${step[name]} lacks: $missing (${step[purpose]})" \
      "kubectl create secret generic ${step[name]} --namespace ${step[namespace]} --from-file=KEY=FILE, or a manifest at $(secret_file "${step[namespace]}" "${step[name]}")"
  else
    still_needed+=("Secret ${step[namespace]}/${step[name]} (${missing}): ${step[purpose]}")
  fi
}

# Two systems with a name in common would take each other's objects.
verb_claim() {
  local line other name
  claims=${step[names]}
  cluster_reachable || return 0
  query get configmap --namespace="$marker_namespace" --selector=app.kubernetes.io/component=install-marker \
    -o 'jsonpath={range .items[*]}{.data.system} {.data.claims}{"\n"}{end}'
  split_list "${step[names]}"
  while IFS=' ' read -r other line; do
    [[ -n $other && $other != "$system" ]] || continue
    for name in "${list[@]}"; do
      [[ ,$line, != *",$name,"* ]] || {
        $force || problem "system $other is installed and holds $name too" "take it away first: ./runmelast.sh $other"
        break
      }
    done
  done <<< "$answer"
}

# show_problems: ends the script if there are any.
show_problems() {
  local each
  [[ ${#problems[@]} -gt 0 ]] || return 0
  warn "${#problems[@]} $([[ ${#problems[@]} -eq 1 ]] && echo problem || echo problems); nothing was changed:"
  for each in "${problems[@]}"; do warn "    $each"; done
  $dry_run || exit "$exit_preflight"
}

# confirm_cluster ACTION: shows which cluster it is, and asks before one that this machine has not seen.
confirm_cluster() {
  local action=$1 uid name known=$state_root/clusters reply
  query get namespace kube-system -o 'jsonpath={.metadata.uid}'
  uid=$answer
  name=$(kubectl config view --minify ${context:+--context="$context"} -o 'jsonpath={.contexts[0].name} at {.clusters[0].cluster.server}')
  say "$action $system on cluster $name"
  if [[ -f $known ]] && grep -q "^$uid " "$known"; then return 0; fi
  if ! $assume_yes; then
    [[ -t 0 ]] || die "$exit_declined" 'this cluster was never used from here, and nobody can be asked' 'look at the name above and run again with --yes'
    read -r -p 'This machine has never used that cluster. Go on? [y/N] ' reply
    [[ $reply == [yY]* ]] || die "$exit_declined" 'declined; nothing was changed'
  fi
  { cat "$known" 2> /dev/null || true; say "$uid $name"; } | write_file "$known"
}

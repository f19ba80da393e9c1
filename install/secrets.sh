# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# Secrets. A value is looked for in the cluster, then in the operator's folder (files of mode 0600), and generated last.
# Values are held in variables and pipes only: never in an argument, never in a message.

still_needed=()
missing=''
secret_type=''
secret_labels=''
declare -A secret_data=()

secret_file() { printf '%s\n' "$state_root/$system/secrets/$1.$2.yaml"; }

# read_secret NAMESPACE NAME: sets secret_data (key -> base64), secret_type and secret_labels (label:value,...) from the cluster.
read_secret() {
  local field key value
  secret_data=()
  secret_type='' secret_labels=''
  query get secret "$2" --namespace="$1" --ignore-not-found \
    -o 'go-template=type - {{.type}}{{range $k, $v := .metadata.labels}}{{"\n"}}label {{$k}} {{$v}}{{end}}{{range $k, $v := .data}}{{"\n"}}data {{$k}} {{$v}}{{end}}'
  while read -r field key value; do
    case $field in
      type) secret_type=$value ;;
      label) [[ $key == app.kubernetes.io/managed-by ]] || secret_labels+=${secret_labels:+,}$key:$value ;;
      data) secret_data[$key]=$value ;;
    esac
  done <<< "$answer"
}

# add_from_file FILE: adds the keys that secret_data lacks; a file written by hand may use stringData.
add_from_file() {
  local section='' line key value
  [[ -f $1 ]] || return 0
  while IFS= read -r line; do
    case $line in
      data:*) section=data ;;
      stringData:*) section=text ;;
      [!\ ]*) section='' ;;
      '  '*)
        key=${line%%:*}
        key=${key// /}
        value=${line#*: }
        if [[ $value == \"*\" || $value == \'*\' ]]; then value=${value:1:-1}; fi
        [[ -n $key && -z ${secret_data[$key]:-} ]] || continue
        case $section in
          data) secret_data[$key]=$value ;;
          text) secret_data[$key]=$(printf '%s' "$value" | base64 | tr -d '\n') ;;
        esac
        ;;
    esac
  done < "$1"
}

# secret_manifest NAMESPACE NAME TYPE LABELS: of secret_data.
secret_manifest() {
  local key each
  printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n  labels:\n' "$2" "$1"
  printf '    app.kubernetes.io/managed-by: pipelines\n'
  # Argo CD looks for another value of this label on its own Secrets.
  [[ ,$4 == *,app.kubernetes.io/part-of:* ]] || printf '    app.kubernetes.io/part-of: %s\n' "$system"
  split_list "$4"
  for each in "${list[@]}"; do printf '    %s: "%s"\n' "${each%%:*}" "${each#*:}"; done
  printf 'type: %s\ndata:\n' "$3"
  while IFS= read -r key; do printf '  %s: %s\n' "$key" "${secret_data[$key]}"; done < <(printf '%s\n' "${!secret_data[@]}" | sort)
}

# find_missing_keys NAMESPACE NAME KEYS: sets `missing` to the keys that are neither in the cluster nor in the operator's file.
find_missing_keys() {
  local key
  missing=''
  read_secret "$1" "$2"
  add_from_file "$(secret_file "$1" "$2")"
  split_list "$3"
  for key in "${list[@]}"; do [[ -n ${secret_data[${key%%:*}]:-} ]] || missing+=${missing:+, }${key%%:*}; done
}

lacks_random_key() {
  [[ ${step[keys]} == *:random* ]] || return 1
  find_missing_keys "${step[namespace]}" "${step[name]}" "${step[keys]}"
  [[ -n $missing ]]
}

# secrets_missing: something would have to be generated.
secrets_missing() {
  local line
  steps_of secret
  for line in "${matching[@]}"; do ! with_step "$line" lacks_random_key || return 0; done
  return 1
}

# new_value NAMESPACE NAME KEY HOW: base64, on standard output.
new_value() {
  local how=$4 source
  case $how in
    random) head -c 32 /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_' | base64 | tr -d '\n' ;;
    literal:*) printf '%s' "${how#literal:}" | base64 | tr -d '\n' ;;
    bcrypt:*)
      source=${secret_data[${how#bcrypt:}]:-}
      [[ -n $source ]] || return 1
      # helm is the one tool at hand that knows bcrypt; the password goes in by standard input.
      printf 'password: %s\n' "$source" | helm template hash "$root/install/charts/bcrypt" --values - | sed -n 's/^hash: //p' | tr -d '\n' | base64 | tr -d '\n'
      ;;
    copy:*)
      IFS=/ read -r -a source <<< "${how#copy:}"
      k get secret "${source[1]}" --namespace="${source[0]}" -o "go-template={{index .data \"${source[2]}\"}}"
      ;;
    *) return 1 ;;
  esac
}

# Stops if state exists that the lost value would open.
probe_state() {
  local probe
  [[ -n ${step[state-probe]:-} ]] || return 0
  IFS='|' read -r -a probe <<< "${step[state-probe]}"
  run_job "${probe[0]}" "${probe[1]}" "${probe[2]}" 120 || die "$exit_protected" \
    "Secret ${step[namespace]}/${step[name]} is lost, but the state that it opens is still there" \
    "put the Secret's manifest at $(secret_file "${step[namespace]}" "${step[name]}") and run again; without it, move the old state away"
}

verb_secret() {
  local namespace=${step[namespace]} name=${step[name]} file key how entry before manifest probed=false unmade=''
  file=$(secret_file "$namespace" "$name")
  read_secret "$namespace" "$name"
  before=$(printf '%s\n' "${!secret_data[@]}" | sort)
  add_from_file "$file"
  split_list "${step[keys]}"
  local keys=("${list[@]}")
  for entry in "${keys[@]}"; do
    key=${entry%%:*} how=${entry#*:}
    [[ -z ${secret_data[$key]:-} ]] || continue
    if [[ $how == provided ]]; then
      unmade+=${unmade:+, }$key
      continue
    fi
    if [[ $how == random ]] && ! $probed; then
      # run_job reads no plan step, and secret_data stays as it is.
      probe_state
      probed=true
    fi
    secret_data[$key]=$(new_value "$namespace" "$name" "$key" "$how")
    [[ -n ${secret_data[$key]} ]] || die "$exit_failed" "no value for key $key of Secret $namespace/$name" "it should come from $how"
  done
  if [[ -n $unmade && ${step[required]:-true} == false ]]; then
    say "    $namespace/$name: not provided (${unmade}); $file can hold its manifest"
    return 0
  fi
  [[ -z $unmade ]] || die "$exit_failed" "Secret $namespace/$name lacks $unmade, which only a person can provide" "write its manifest to $file and run again"
  # Never in a temporary file: it would survive a kill.
  manifest=$(secret_manifest "$namespace" "$name" "${step[type]:-Opaque}" "${step[labels]:-}")
  [[ -f $file && $manifest == "$(< "$file")" ]] || write_file "$file" <<< "$manifest"
  if [[ $before == "$(printf '%s\n' "${!secret_data[@]}" | sort)" ]]; then
    say "    $namespace/$name: kept"
  else
    k apply --server-side --force-conflicts --field-manager="$set_up_user" -f "$file" > /dev/null
    say "    $namespace/$name: made"
  fi
}

verb_expect_secrets() {
  local present each absent=''
  query get secrets --all-namespaces --no-headers -o 'custom-columns=N:.metadata.namespace,S:.metadata.name'
  present=$'\n'$(sed 's/  */\//' <<< "$answer")$'\n'
  split_list "${step[names]}"
  for each in "${list[@]}"; do [[ $present == *$'\n'"$each"$'\n'* ]] || absent+=" $each"; done
  [[ -z $absent ]] || die "$exit_failed" "missing Secrets:$absent" 'the forge set-up makes them; run again from there: --from forge'
  say "    ${#list[@]} present"
}

# Before the namespaces go: a rebuild on this machine finds every Secret again.
verb_save_secrets() {
  local each namespace name saved=0
  split_list "${step[names]}"
  local names=("${list[@]}")
  for each in "${names[@]}"; do
    namespace=${each%%/*} name=${each#*/}
    read_secret "$namespace" "$name"
    [[ ${#secret_data[@]} -gt 0 ]] || continue
    secret_manifest "$namespace" "$name" "$secret_type" "$secret_labels" | write_file "$(secret_file "$namespace" "$name")"
    saved=$((saved + 1))
  done
  say "    $saved kept in $state_root/$system/secrets"
}

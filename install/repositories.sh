# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # parts share variables; templates are not for the shell
# The forge's repositories as Git sees them.

revision=''
revision_time=''

head_revision() {
  [[ -z $revision ]] || return 0
  local text
  text=$(git -C "$root" log -1 --format='%H %ct' 2> /dev/null) || {
    # Without a repository nothing can be pushed; preflight has said so if the plan pushes.
    revision=none revision_time=0
    return 0
  }
  read -r revision revision_time <<< "$text"
}

# forge_git SECRET ARG...: git with the credentials of the Secret `namespace/name`, read when git asks for them.
forge_git() {
  local secret=$1
  shift
  GIT_TERMINAL_PROMPT=0 PIPELINES_CREDENTIALS=$secret PIPELINES_CONTEXT=$context \
    git -c credential.helper= -c "credential.helper=!'$root/install/git-credentials.sh'" "$@"
}

verb_push() {
  local have
  head_revision
  have=$(forge_git "${step[credentials]}" ls-remote "${step[url]}" "refs/heads/${step[branch]}" 2> "$scratch/error") ||
    die "$exit_failed" "${step[url]} cannot be read: $(tail -n 1 "$scratch/error")" 'the forge set-up makes the repository and its users: --from forge'
  if [[ ${have%%[[:space:]]*} == "$revision" ]]; then
    say "    ${step[branch]} is at ${revision:0:12}"
    return 0
  fi
  forge_git "${step[credentials]}" -C "$root" push --quiet "${step[url]}" "$revision:refs/heads/${step[branch]}" 2> "$scratch/error" || {
    warn "$(tail -n 5 "$scratch/error")"
    die "$exit_failed" "revision ${revision:0:12} cannot be pushed to ${step[branch]} of ${step[url]}" 'if the forge has commits that this checkout lacks, pull them first; nothing is ever overwritten'
  }
  say "    ${step[branch]} pushed: ${revision:0:12}"
}

verb_seed_branch() {
  local branch=stage/${step[stage]} have image tag='' text message
  have=$(forge_git "${step[credentials]}" ls-remote "${step[url]}" "refs/heads/$branch" 2> "$scratch/error") ||
    die "$exit_failed" "${step[url]} cannot be read: $(tail -n 1 "$scratch/error")" 'the forge set-up makes the repository and its users: --from forge'
  if [[ -n $have ]]; then
    say "    $branch exists"
    return 0
  fi
  query get deployment "${step[deployment]}" --namespace="${step[namespace]}" --ignore-not-found -o 'jsonpath={.spec.template.spec.containers[0].image}'
  image=${answer%%@*}
  [[ ${image##*/} != *:* ]] || tag=${image##*:}
  message="Tag of ${step[namespace]} when the branch was made"
  [[ -n $tag ]] || message="Nothing runs in ${step[namespace]} yet"
  # A tag of digits only must stay a string.
  text=$(printf 'image:\n  tag: "%s"\n' "$tag")$'\n'
  head_revision
  rm -rf "$scratch/seed"
  git init --quiet --bare "$scratch/seed"
  git --git-dir="$scratch/seed" fast-import --quiet << EOF
commit refs/heads/$branch
committer Pipelines set-up <set-up@pipelines.invalid> $revision_time +0000
data ${#message}
$message
M 100644 inline values.yaml
data ${#text}
$text
EOF
  forge_git "${step[credentials]}" --git-dir="$scratch/seed" push --quiet "${step[url]}" "refs/heads/$branch" 2> "$scratch/error" || {
    warn "$(tail -n 5 "$scratch/error")"
    die "$exit_failed" "branch $branch cannot be pushed to ${step[url]}" "the user of Secret ${step[credentials]} has to be allowed to push it"
  }
  say "    $branch seeded with ${tag:-no tag: ${step[namespace]} waits for its first promotion}"
}

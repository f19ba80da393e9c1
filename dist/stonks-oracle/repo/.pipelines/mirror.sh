#!/bin/sh
# Copies all branches and tags of SOURCE_URL to TARGET_URL.
#
# - It takes a full clone of its own: the clone of the pipeline is shallow and knows one branch, pushing that would
#   delete the others. Pull requests and other references are never copied.
# - What it mirrored is recorded in the source, as refs/mirrored/heads/* and refs/mirrored/tags/*. Only what stands there
#   is ever deleted or overwritten in the target, and only if it is still as it was left: a fresh, empty source deletes
#   nothing, and work that somebody else pushed to the target is reported, not lost.
# - With the placeholder `unset` as TARGET_TOKEN it says so and does nothing.
#
# Input: SOURCE_URL, TARGET_URL, SOURCE_TOKEN, TARGET_TOKEN in the environment.
# Exit code: 0 if the target now equals the source (or the mirror is not set up), else 1.
set -eu

: "${SOURCE_URL:?}" "${TARGET_URL:?}" "${SOURCE_TOKEN:?}"
if [ "${TARGET_TOKEN:-unset}" = unset ]; then
  echo "mirror: not set up: the secret still holds the placeholder 'unset'. Nothing was mirrored."
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Tokens go to Git through a program, never through an address or an argument that others could see.
cat >"$work/askpass" <<'END'
#!/bin/sh
case "$1" in
Username*) echo x-access-token ;;
*) printf '%s\n' "$GIT_TOKEN" ;;
esac
END
chmod 700 "$work/askpass"
export GIT_ASKPASS="$work/askpass" GIT_TERMINAL_PROMPT=0

source_git() { GIT_TOKEN=$SOURCE_TOKEN git -c credential.helper= "$@"; }
target_git() { GIT_TOKEN=$TARGET_TOKEN git -c credential.helper= "$@"; }

git init --quiet --bare "$work/mirror.git"
cd "$work/mirror.git"
source_git fetch --quiet --no-tags "$SOURCE_URL" \
  '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' '+refs/mirrored/*:refs/mirrored/*'

list_source() { git for-each-ref --format='%(refname) %(objectname)' refs/heads refs/tags; }
list_record() { git for-each-ref --format='%(refname) %(objectname)' refs/mirrored | sed 's,^refs/mirrored/,refs/,'; }
list_target() {
  target_git ls-remote --refs --heads --tags "$TARGET_URL" >"$work/remote"
  awk '{ print $2, $1 }' "$work/remote"
}

has() { awk -v ref="$1" '$1 == ref { found = 1 } END { exit !found }' "$2"; }

list_source >"$work/source"
list_record >"$work/record"
list_target >"$work/target"

# One line for each reference that differs: what to do, reference, new object, object in the target.
awk '
  FILENAME == ARGV[1] { source[$1] = $2; all[$1]; next }
  FILENAME == ARGV[2] { record[$1] = $2; all[$1]; next }
  { target[$1] = $2 }
  END {
    for (ref in all) {
      if (source[ref] == target[ref]) continue
      if (source[ref] == "" && record[ref] == "") continue
      if (source[ref] == "") print (record[ref] == target[ref] ? "delete" : "foreign"), ref, "-", target[ref]
      else if (target[ref] == "") print "create", ref, source[ref], "-"
      else print (record[ref] == target[ref] ? "replace" : "advance"), ref, source[ref], target[ref]
    }
  }
' "$work/source" "$work/record" "$work/target" | sort -k2 >"$work/plan"

failed=0
set --
while read -r action ref new old; do
  if [ "$action" = advance ] && git merge-base --is-ancestor "$old" "$new" 2>"$work/ancestor" && [ "${ref#refs/heads/}" != "$ref" ]; then
    action=replace
  fi
  case "$action" in
  create) set -- "$@" "--force-with-lease=$ref:" "+$new:$ref" ;;
  replace) set -- "$@" "--force-with-lease=$ref:$old" "+$new:$ref" ;;
  delete) set -- "$@" "--force-with-lease=$ref:$old" ":$ref" ;;
  *)
    echo "mirror: $ref in the target was changed by somebody else ($old); it is left as it is. Merge or delete it there." >&2
    failed=1
    ;;
  esac
done <"$work/plan"

if [ $# -gt 0 ]; then
  target_git push --porcelain "$TARGET_URL" "$@" || failed=1
  list_target >"$work/target"
fi

# Record what the target now has from us.
while read -r ref object; do
  if grep -qxF "$ref $object" "$work/target"; then
    git update-ref "refs/mirrored/${ref#refs/}" "$object"
  fi
done <"$work/source"
while read -r ref _; do
  if ! has "$ref" "$work/source" && ! has "$ref" "$work/target"; then
    git update-ref -d "refs/mirrored/${ref#refs/}"
  fi
done <"$work/record"
list_record >"$work/recorded"
if ! cmp -s "$work/record" "$work/recorded"; then
  source_git push --quiet --prune "$SOURCE_URL" '+refs/mirrored/*:refs/mirrored/*'
fi

if [ "$failed" -ne 0 ]; then
  echo "mirror: not everything could be mirrored; see above" >&2
  exit 1
fi
echo "mirror: $(wc -l <"$work/source" | tr -d ' ') branches and tags are the same in the target"

#!/usr/bin/env bash
# Fills the image tag into manifests and puts them, alone, on a branch that a GitOps controller follows.
#
#   manifests.sh fill OUT FOLDER...   copies the folders to OUT with TAG_PLACEHOLDER replaced by IMAGE_TAG
#   manifests.sh push OUT             makes OUT the whole content of MANIFESTS_BRANCH; no change, no commit
#
# Environment: IMAGE_TAG; fill: TAG_PLACEHOLDER; push: MANIFESTS_BRANCH, SOURCE_COMMIT, ATTEMPTS (5), WAIT_SECONDS (3).
set -euo pipefail

fail() {
  echo "manifests: $1" >&2
  exit 1
}

need() {
  local name
  for name in "$@"; do
    [ -n "${!name:-}" ] || fail "$name is not set"
  done
}

fill() {
  need IMAGE_TAG TAG_PLACEHOLDER
  [[ $IMAGE_TAG =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || fail "\"$IMAGE_TAG\" is no image tag"
  local out=$1 folder filled=0 file
  shift
  [ ! -e "$out" ] || fail "$out is there already"
  for folder in "$@"; do
    [ -d "$folder" ] || fail "the folder $folder is missing"
    mkdir -p "$out/$folder"
    cp -R "$folder/." "$out/$folder/"
  done
  while IFS= read -r file; do
    sed -i.old "s/$TAG_PLACEHOLDER/$IMAGE_TAG/g" "$file"
    rm -f "$file.old"
    filled=$((filled + 1))
  done < <(grep -rlF -- "$TAG_PLACEHOLDER" "$out")
  [ "$filled" -gt 0 ] || fail "no file holds $TAG_PLACEHOLDER: nothing would be deployed"
  echo "manifests: $filled files have the tag $IMAGE_TAG"
}

# Prints the commit of the branch on the remote; nothing if there is no branch.
remote_tip() {
  local found=0 line
  line=$(git ls-remote --exit-code --heads origin "refs/heads/$MANIFESTS_BRANCH") || found=$?
  case $found in
    0) printf '%s' "${line%%[[:space:]]*}" ;;
    2) ;;
    *) fail "the repository does not answer" ;;
  esac
}

# True if what is deployed was built from a commit that comes after ours.
is_overtaken() {
  local deployed
  deployed=$(git log -1 --format='%(trailers:key=Source-Commit,valueonly)' "$1" | head -n 1)
  if [ -z "$deployed" ] || [ "$deployed" = "$SOURCE_COMMIT" ]; then
    return 1
  fi
  git cat-file -e "$deployed^{commit}" 2> /dev/null || git fetch --quiet origin "$deployed" || return 1
  git merge-base --is-ancestor "$SOURCE_COMMIT" "$deployed"
}

push() {
  need IMAGE_TAG MANIFESTS_BRANCH SOURCE_COMMIT
  local out=$1 index tree tip commit attempt parent
  [ -d "$out" ] || fail "the folder $out is missing"
  index=$(mktemp -d)
  # Plain objects, no checkout: the branch needs no common history with any other.
  GIT_INDEX_FILE="$index/index" git --work-tree="$out" add --all --force .
  tree=$(GIT_INDEX_FILE="$index/index" git write-tree)
  rm -rf "${index:?}"
  for ((attempt = 1; attempt <= ${ATTEMPTS:-5}; attempt++)); do
    tip=$(remote_tip)
    parent=()
    if [ -n "$tip" ]; then
      git fetch --quiet origin "$tip"
      if [ "$(git rev-parse "$tip^{tree}")" = "$tree" ]; then
        echo "manifests: $MANIFESTS_BRANCH has them already"
        return
      fi
      if is_overtaken "$tip"; then
        echo "manifests: $MANIFESTS_BRANCH was written for a later commit; nothing to do"
        return
      fi
      parent=(-p "$tip")
    fi
    commit=$(git commit-tree "${parent[@]}" -m "Deploy $IMAGE_TAG [skip ci]" -m "Source-Commit: $SOURCE_COMMIT" "$tree")
    # Without force: whoever was faster wins, and we look again.
    if git push --quiet origin "$commit:refs/heads/$MANIFESTS_BRANCH"; then
      echo "manifests: $MANIFESTS_BRANCH is at $commit"
      return
    fi
    echo "manifests: somebody else pushed; attempt $attempt"
    sleep "${WAIT_SECONDS:-3}"
  done
  fail "$MANIFESTS_BRANCH could not be written; run the job again"
}

command=${1:-}
shift || true
case $command in
  fill)
    [ "$#" -ge 2 ] || fail "usage: manifests.sh fill OUT FOLDER..."
    fill "$@"
    ;;
  push)
    [ "$#" -eq 1 ] || fail "usage: manifests.sh push OUT"
    push "$1"
    ;;
  *) fail "usage: manifests.sh fill|push" ;;
esac

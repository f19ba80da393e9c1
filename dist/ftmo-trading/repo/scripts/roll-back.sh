#!/usr/bin/env bash
# Goes back on the branch that Argo CD follows: roll-back.sh [COMMIT]. Default: the commit before the last one.
# The branch gets a new commit with the old content, so that self-heal works for it and not against it.
# Environment: MANIFESTS_BRANCH.
set -euo pipefail

branch=${MANIFESTS_BRANCH:?}
git fetch --quiet origin "refs/heads/$branch"
tip=$(git rev-parse FETCH_HEAD)
target=$(git rev-parse --verify --quiet "${1:-$tip^}^{commit}") || {
  echo "roll-back: there is no commit ${1:-before the last one} to go back to" >&2
  exit 1
}
if ! git merge-base --is-ancestor "$target" "$tip"; then
  echo "roll-back: $target was never on $branch" >&2
  exit 1
fi
commit=$(git commit-tree -p "$tip" -m "Go back to $(git log -1 --format='%h (%s)' "$target")" "$target^{tree}")
git push --quiet origin "$commit:refs/heads/$branch"
echo "roll-back: $branch has the content of $target; Argo CD follows within minutes"

#!/usr/bin/env bash
# Reports a push as a forge would, to see a webhook work from its address to the workflow.
# usage: send-push.sh github|azure HOOK_URL SECRET_FILE REPOSITORY_URL COMMIT [REF]
set -euo pipefail

if (($# < 5)); then
  sed -n '3s/^# //p' "$0" >&2
  exit 2
fi
kind=$1 hook=$2 secret=$(<"$3") repository=$4 commit=$5 ref=${6:-refs/heads/main}
name=${repository##*/}
name=${name%.git}

case $kind in
  github)
    body="{\"ref\":\"$ref\",\"after\":\"$commit\",\"repository\":{\"name\":\"$name\",\"clone_url\":\"$repository\"},\"pusher\":{\"name\":\"send-push\"}}"
    signature=$(printf '%s' "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/^.* //')
    headers="x-github-event: push
x-github-delivery: send-push
x-hub-signature-256: sha256=$signature"
    ;;
  azure)
    body="{\"eventType\":\"git.push\",\"resource\":{\"refUpdates\":[{\"name\":\"$ref\",\"newObjectId\":\"$commit\"}],\"repository\":{\"name\":\"$name\",\"remoteUrl\":\"$repository\"},\"pushedBy\":{\"uniqueName\":\"send-push\"}}}"
    headers="authorization: Bearer $secret"
    ;;
  *)
    echo "send-push: $kind is no kind of forge; use github or azure" >&2
    exit 2
    ;;
esac

# The secret goes over standard input: command lines can be read by others.
curl --fail-with-body --silent --show-error --header @- --header 'content-type: application/json' \
  --data-binary "$body" "$hook" <<<"$headers"
echo

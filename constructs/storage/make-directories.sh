#!/bin/sh
# Makes the directories of a share and gives each to its consumer. Existing content is never touched.
# usage: make-directories.sh SHARE TABLE    (TABLE: lines of path, uid, gid, mode, separated by tabs)
set -eu

share=$1
table=$2
tab=$(printf '\t')

while IFS="$tab" read -r path uid gid mode; do
  [ -n "$path" ] || continue
  directory=$share/$path
  if [ -L "$directory" ]; then
    echo "$path is a symbolic link; replace it on the server by a real directory" >&2
    exit 1
  fi
  mkdir -p "$directory"
  # A server that maps every user refuses this; whether that does harm is seen by check-directory.sh as the consumer.
  if [ "$(stat -c %u:%g "$directory")" != "$uid:$gid" ]; then
    chown "$uid:$gid" "$directory" || echo "$path: the server refused to change the owner" >&2
  fi
  chmod "$mode" "$directory" || echo "$path: the server refused to change the mode" >&2
  echo "$path: $(stat -c 'owner %u:%g, mode %a' "$directory")"
done <"$table"

#!/bin/sh
# Starts a database only while nobody else has its data: the lock is held by the process itself and by every child of it.
# A second server (a pod that was moved while its old node is cut off) waits, then gives up.
# usage: start.sh LOCK_FILE COMMAND [ARGUMENT...]    LOCK_WAIT_SECONDS: 120 by default, longer than an NFS lease
set -eu

lock=$1
shift
exec 9>>"$lock"
if ! flock -w "${LOCK_WAIT_SECONDS:-120}" 9; then
  echo "$lock is held: another server uses this data directory; end it first" >&2
  exit 1
fi
exec "$@"

#!/bin/sh
# Checks, as the consumer's own user, that a directory can hold a database: owner, mode, fsync, rename, lock.
# usage: check-directory.sh DIRECTORY UID GID MODE    Every problem is printed; the exit status is 1 if there is one.
set -eu

directory=$1
uid=$2
gid=$3
mode=$4
problems=0

problem() {
  echo "$directory: $1" >&2
  problems=$((problems + 1))
}

[ "$(id -u)" = "$uid" ] || problem "the check runs as user $(id -u), not as the consumer's user $uid"

if [ ! -d "$directory" ]; then
  problem "is no directory; does the share's address point at the right export?"
  exit 1
fi

owner=$(stat -c %u:%g "$directory")
[ "$owner" = "$uid:$gid" ] ||
  problem "belongs to $owner, not to $uid:$gid; switch off user mapping (squash) for the nodes on the NFS server"

found=$(stat -c %a "$directory")
[ "0${found#0}" = "0${mode#0}" ] ||
  problem "has mode $found, not $mode; the server's access lists override it, use POSIX permissions for this share"

scratch=$directory/.check.$$
trap 'rm -f "$scratch" "$scratch.renamed"' EXIT

if dd if=/dev/zero of="$scratch" bs=4096 count=1 conv=fsync 2>/dev/null; then
  [ "$(stat -c %u "$scratch")" = "$uid" ] ||
    problem "gives new files to user $(stat -c %u "$scratch"), not to $uid; switch off user mapping (squash) on the NFS server"

  if ! mv "$scratch" "$scratch.renamed" || [ -e "$scratch" ] || [ "$(stat -c %s "$scratch.renamed")" != 4096 ]; then
    problem "does not rename files as a whole"
  fi

  # Two open files are two lock owners; the second must not get what the first holds.
  exec 8>>"$scratch.renamed" 9>>"$scratch.renamed"
  if ! flock -n 8; then
    problem "does not lock files; the NFS version must be 4.1 or the server's lock service must run"
  elif flock -n 9; then
    problem "gives one lock to two owners at once; two databases could write the same data"
  fi
  exec 8>&- 9>&-
else
  problem "cannot be written and fsynced by user $uid"
fi

[ "$problems" = 0 ] || exit 1
echo "$directory: owner, mode, fsync, rename and lock are as they must be for user $uid"

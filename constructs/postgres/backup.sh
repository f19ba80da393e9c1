#!/bin/sh
# Dumps one database into a folder. A dump has its final name only once it is complete, readable and on disk; old ones go
# only after that.
# environment: BACKUP_DIRECTORY, KEEP (number of dumps), PASSWORD_FILE, PGHOST, PGUSER, PGDATABASE
set -eu

directory=${BACKUP_DIRECTORY:?}
keep=${KEEP:?}
database=${PGDATABASE:?}
PGPASSWORD=$(cat "${PASSWORD_FILE:?}")
export PGPASSWORD

umask 077
mkdir -p "$directory"
dump=$directory/$database-$(date -u +%Y%m%dT%H%M%SZ).dump
partial=$directory/.partial-$$.dump
trap 'rm -f "$partial"' EXIT

# Runs never overlap: a partial file of another run is one that was killed.
rm -f "$directory"/.partial-*.dump
pg_dump --format=custom --file="$partial"
pg_restore --list "$partial" >/dev/null
sync "$partial"
mv "$partial" "$dump"
sync "$directory"
echo "wrote $dump ($(wc -c <"$dump") bytes)"

set -- "$directory/$database"-*.dump
while [ $# -gt "$keep" ]; do
  rm -f "$1"
  echo "removed $1"
  shift
done

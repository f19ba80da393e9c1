#!/bin/sh
# Starts the connection pool with the database's password, which is in no file but its Secret and this pod's memory.
set -eu

umask 077
printf '"%s" "%s"\n' "${POOL_USER:?}" "$(cat "${PASSWORD_FILE:?}")" >/tmp/users.txt
exec pgbouncer "${POOL_CONFIG:?}"

#!/bin/sh
# Root becomes the owner of the folder that is mounted on /work: runs are that user's then, and PostgreSQL does not run as root.
set -eu
outlast=/opt/node_modules/outlast/bin/outlast.js
owner=$(stat -c %u /work)
group=$(stat -c %g /work)
[ "$(id -u)" = 0 ] && [ "$owner" != 0 ] || exec node "$outlast" "$@"
# PostgreSQL asks for the name of its user.
grep -q "^[^:]*:[^:]*:$owner:" /etc/passwd || echo "outlast:x:$owner:$group::/tmp:/usr/sbin/nologin" >>/etc/passwd
export HOME=/tmp
exec setpriv --reuid "$owner" --regid "$group" --clear-groups node "$outlast" "$@"

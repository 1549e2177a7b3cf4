#!/bin/sh
# usage: base.sh ROOT SUITE MIRROR (as root)
# The base of our images where no registry answers: the smallest system of a distribution, in the new folder ROOT.
set -eu
root=$1 suite=$2 mirror=$3
command -v debootstrap >/dev/null || { echo 'debootstrap is not installed: apt-get install debootstrap' >&2; exit 1; }
debootstrap --variant=minbase "$suite" "$root" "$mirror"
# No program of an image runs or reads these.
for unneeded in usr/share/doc usr/share/man usr/share/locale usr/share/info; do rm -rf "${root:?}/$unneeded"; done
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
# Else packages that are installed into an image start their services there. Debian's own images have the same.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# The addresses of this machine's mirror and name server are no part of an image.
: >"$root/etc/apt/sources.list"
: >"$root/etc/resolv.conf"
rm -f "$root/etc/hostname"

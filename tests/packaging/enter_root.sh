#!/bin/sh
# Enters a root folder in namespaces of its own, or (--made) in those that another call has set up: enter_root.sh [--made] ROOT UID:GID [NAME=VALUE]… COMMAND…
set -e
made=
[ "$1" = --made ] && { made=1; shift; }
root=$1 user=$2
shift 2
if [ -z "$made" ]; then
  mkdir -p "$root/proc" "$root/dev"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  ip link set lo up
  # An address of documentation (RFC 5737), so that the relay finds one that is not loopback.
  ip addr add 192.0.2.7/32 dev lo
fi
variables=
while :; do
  case $1 in
  [A-Z]*=*) variables="$variables $1" ;;
  *) break ;;
  esac
  shift
done
# shellcheck disable=SC2086 # no variable of these tests holds a space
exec env -i $variables "$(command -v chroot)" --userspec="$user" "$root" "$@"

#!/bin/sh
# qight in one file: this header, then a gzip'd tar. It unpacks itself once for each version; docs/operations/install.md says where.
id=@ID@ need=@KB@
case $0 in */*) self=$0 ;; *) self=$(command -v -- "$0") || self=$0 ;; esac
case $self in /*) ;; *) self=$PWD/$self ;; esac
uid=$(id -u)
[ -e /proc/self/exe ] || { echo "qight: /proc is not mounted" >&2; exit 78; }     # Deno panics without it (M)
usable() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && [ -f "$1/ok" ]; }
payload() { dd if="$self" bs=8192 skip=1 2>/dev/null | gzip -dc 2>/dev/null; }
damaged() { echo "qight: $self is damaged (checksum mismatch): fetch it again" >&3; exit 65; }
unpack() { # $1 = base folder, always named …/qight or …/qight-UID, so that chmod cannot hit /tmp itself
  why="cannot write"
  mkdir -p "$1" 2>/dev/null && [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && chmod 700 "$1" || return 1
  find "$1" -maxdepth 1 -name '.new.*' -mtime +0 -exec rm -rf {} \; 2>/dev/null
  tmp=$1/.new.$id.$$; rm -rf "$tmp"; mkdir -p "$tmp/$id" 2>/dev/null || return 1
  trap 'rm -rf "$tmp"' EXIT; trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
  why="cannot run programs there (noexec, or full)"
  printf '#!/bin/sh\n' >"$tmp/t" 2>/dev/null && chmod 700 "$tmp/t" && "$tmp/t" 2>/dev/null || return 1
  why="no space (needs $((need / 1024)) MB)"
  payload | tar -xf - -C "$tmp/$id" 2>/dev/null || { payload >/dev/null || damaged; return 1; }
  (cd "$tmp/$id" && set -- $(sha256sum SHA256SUMS) && [ "$1" = "$id" ] && sha256sum -c SHA256SUMS >/dev/null 2>&1) || damaged
  sync && : >"$tmp/$id/ok" && sync || return 1
  mv "$tmp/$id" "$1/" 2>/dev/null        # a rename; fails when another start was first, whose folder is then used
  why="another start left a broken folder"; usable "$1/$id"
}
find_dir() { # first a ready copy anywhere, else the first place that lets us unpack
  [ -n "${QIGHT_CACHE_DIR:-}" ] && set -- "$QIGHT_CACHE_DIR/qight" || {
    set --
    [ -n "${XDG_CACHE_HOME:-}" ] && set -- "$@" "$XDG_CACHE_HOME/qight"
    [ -n "${HOME:-}" ] && set -- "$@" "$HOME/.cache/qight"
    [ "$uid" = 0 ] && [ -d /var/cache ] && set -- "$@" /var/cache/qight
    set -- "$@" "${TMPDIR:-/tmp}/qight-$uid"
  }
  for b; do usable "$b/$id" && { dir=$b/$id; return; }; done
  for t in dd gzip tar sha256sum; do command -v $t >/dev/null || { echo "qight: $t is missing" >&2; exit 78; }; done
  for b; do
    (umask 077; unpack "$b"; r=$?; [ $r = 0 ] || echo "  $b: $why" >&3; exit $r) </dev/null 3>&2
    case $? in 0) dir=$b/$id; return ;; 65) exit 65 ;; esac
  done
  echo "qight: found no place to unpack $((need / 1024)) MB; set QIGHT_CACHE_DIR to a folder with room" >&2; exit 73
}
find_dir
export QIGHT_SELF="$self" DENO_DIR="${dir%/*}/deno" DENO_NO_UPDATE_CHECK=1; unset LD_PRELOAD LD_LIBRARY_PATH DENO_V8_FLAGS
exec "$dir/lib/qight" --library-path "$dir/lib" "$dir/deno" run -A --unstable-net --no-config --no-lock --no-remote --no-npm --no-prompt "$dir/main.js" "$@"

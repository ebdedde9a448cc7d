#!/bin/sh
# Sees to it that commands and libraries are there: sh scripts/system_packages.sh name:debian-package …
# Installs the packages when root on Debian or a relative of it, else says what is missing.
set -eu

# The libraries that the loader finds; macOS has no ldconfig, nor need of these packages.
libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)

# is_there NAME: a command, or a library like libfoo.so.1.
is_there() {
  command -v "$1" >/dev/null 2>&1 && return 0
  case $libraries in *"$1 "*) return 0 ;; esac
  return 1
}

missing=
for pair in "$@"; do
  is_there "${pair%%:*}" || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  printf 'The tests need these programs, please install them:%s\n' "$missing" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  printf 'The tests need more Debian packages: sudo apt-get install%s\n' "$missing" >&2
  exit 1
fi
printf '… installing Debian packages:%s\n' "$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # one word each
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
  apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  printf 'The Debian packages could not be installed:%s\n' "$missing" >&2
  exit 1
fi

#!/bin/sh
# Sees to it that commands are there: sh scripts/system_packages.sh command:debian-package …
# Installs the packages when root on Debian or a relative of it, else says what is missing.
set -eu

missing=
for pair in "$@"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
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

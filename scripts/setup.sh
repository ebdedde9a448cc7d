#!/bin/sh
# Prepares this checkout: sh scripts/setup.sh [runtime|local|dev] [page|page-if-possible] [server]
# Each step leaves a stamp with the checksum of what it was made from; a second run does nothing.
set -eu
cd "$(dirname "$0")/.."
state=.parley
python=.venv/bin/python
mkdir -p "$state/logs"
chmod 700 "$state"

say() { printf '%s\n' "$*"; }
# In a terminal uv draws its progress; a log gets our one line.
[ -t 2 ] && uv_output= || uv_output=--quiet
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# checksum FILE…: one word for the content of the files.
checksum() { cat "$@" | cksum | tr ' ' '-' | tr -d '\n'; }

# is_current STAMP WORD: whether the step was done for exactly this.
is_current() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# quietly LOG COMMAND…: output goes to LOG, whose end is shown when the command fails.
quietly() {
  log=$1
  shift
  if "$@" >"$log" 2>&1; then return 0; fi
  tail -n 20 "$log" >&2
  return 1
}

is_right_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

find_python() {
  for candidate in python3.13 python3.12 python3.11 python3; do
    # Run, not only looked up: version managers leave commands that do not run.
    if is_right_python "$candidate"; then
      command -v "$candidate"
      return 0
    fi
  done
  fail "No Python 3.11, 3.12 or 3.13 was found: install one, on Debian or Ubuntu with" \
    "\`apt install python3 python3-venv\`."
}

# Sets $uv: the one on PATH, else one in an environment of its own, where it strips nothing.
find_uv() {
  uv=uv
  if uv --version >/dev/null 2>&1; then return 0; fi
  uv=$state/uv/bin/uv
  if "$uv" --version >/dev/null 2>&1; then return 0; fi
  say "… installing uv"
  base=$(find_python)
  rm -rf "$state/uv"
  "$base" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Python's venv module is missing: install it, on Debian or Ubuntu with" \
      "\`apt install python3-venv\`."
  quietly "$state/logs/uv.log" "$base" -m venv "$state/uv" || fail "uv could not be installed."
  quietly "$state/logs/uv.log" "$state/uv/bin/pip" install --disable-pip-version-check uv ||
    fail "uv could not be installed: is the network there? The whole output: $state/logs/uv.log"
}

make_venv() {
  if is_right_python "$python"; then return 0; fi
  base=$(find_python)
  say "… making .venv with $("$base" --version)"
  rm -rf .venv
  "$uv" venv --quiet --python "$base" .venv || fail ".venv could not be made."
}

# install_lock LOCK: adds and updates, removes nothing, so that a demo keeps the developers' tools.
install_lock() {
  stamp=.venv/stamp-$(basename "$1" .lock)
  wanted=$(checksum "$1")
  if is_current "$stamp" "$wanted" && [ -x "$python" ]; then return 0; fi
  find_uv
  make_venv
  say "… installing the Python packages of $1"
  # Bytecode now: the worker starts several seconds faster, the first time too.
  # shellcheck disable=SC2086 # may be nothing
  "$uv" pip install $uv_output --python "$python" --compile-bytecode --require-hashes -r "$1" ||
    fail "The Python packages could not be installed: is the network there?"
  printf '%s' "$wanted" >"$stamp"
}

install_project() {
  stamp=.venv/stamp-project
  wanted=$(checksum pyproject.toml)
  if is_current "$stamp" "$wanted" && [ -x .venv/bin/parley ]; then return 0; fi
  find_uv
  quietly "$state/logs/project.log" \
    "$uv" pip install --python "$python" --no-deps --editable . ||
    fail "Parley itself could not be installed. The whole output: $state/logs/project.log"
  "$python" -m compileall -q agent plugins || true
  printf '%s' "$wanted" >"$stamp"
}

page_sources() {
  find agent/web/page -type f \
    -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/.*/*' | LC_ALL=C sort
}

node_is_right() {
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null &&
    npm --version >/dev/null 2>&1
}

build_page() {
  page=agent/web/page
  stamp=$state/stamp-page
  # Names count as well as content: a file may be removed.
  wanted=$(page_sources | while read -r file; do printf '%s ' "$file" && cat "$file"; done | checksum)
  if is_current "$stamp" "$wanted" && [ -f $page/dist/index.html ] && [ -d $page/node_modules ]; then
    return 0
  fi
  if ! node_is_right; then
    say "! Node.js 20 or newer with npm is missing: the page is not built, everything else works."
    return 0
  fi
  say "… building the page"
  log=$state/logs/page.log
  if quietly "$log" npm --prefix $page ci --no-audit --no-fund &&
    quietly "$log" npm --prefix $page run build; then
    printf '%s' "$wanted" >"$stamp"
  else
    say "! The page could not be built. The whole output: $log"
    return 1
  fi
}

for step in "$@"; do
  case $step in
  runtime)
    install_lock requirements/base.lock
    install_project
    ;;
  local)
    install_lock requirements/local.lock
    install_project
    ;;
  dev)
    install_lock requirements/base.lock
    install_lock requirements/dev.lock
    install_project
    ;;
  page) build_page || exit 1 ;;
  # The demo has other ways to join.
  page-if-possible) build_page || true ;;
  server) .venv/bin/parley demo --prepare ;;
  *) fail "unknown step $step" ;;
  esac
done

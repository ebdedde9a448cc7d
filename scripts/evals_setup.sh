#!/bin/sh
# Prepares .venv-evals, where pipecat and what draws the report live: sh scripts/evals_setup.sh
# A second run does nothing.
set -eu
set -- # no steps: only the functions of setup.sh
# shellcheck source=scripts/setup.sh
. "$(dirname "$0")/setup.sh"

lock=requirements/evals.lock
environment=.venv-evals
python=$environment/bin/python
stamp=$environment/stamp-evals
# The folder counts as well: the environment knows where our modules are.
wanted=$(checksum "$lock")-$(pwd | cksum | tr ' ' '-')

if is_current "$stamp" "$wanted" && [ -x "$python" ]; then exit 0; fi
find_uv
if ! is_right_python "$python"; then
  base=$(find_python)
  say "… making $environment with $("$base" --version)"
  rm -rf "$environment"
  "$uv" venv --quiet --python "$base" "$environment" || fail "$environment could not be made."
fi
say "… installing the Python packages of $lock"
# shellcheck disable=SC2086 # may be nothing
"$uv" pip sync $uv_output --python "$python" --compile-bytecode --require-hashes "$lock" ||
  fail "The Python packages could not be installed: is the network there?"
site_packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$(pwd)" "$(pwd)/plugins" >"$site_packages/parley.pth"
printf '%s' "$wanted" >"$stamp"

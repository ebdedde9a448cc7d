#!/bin/sh
# Looks for keys and passwords: sh scripts/secrets.sh [FILE…], by default all files of the repository.
# Status 1 when there are any. What is none says so: `# pragma: allowlist secret` in its line.
set -eu
cd "$(dirname "$0")/.."

# Measurements, recordings, trained numbers and hashes of packages: large, and full of odd characters.
files='^evals/(results|data|words/sentences)/|\.(lock|png|wav)$|(package-lock|forest|dashboard)\.json$'
# Checksums, and versions of models.
lines='(?i)sha256|revision'
# Made-up ones of tests call themselves so, or are short; parley-… are names of Kubernetes' secrets.
values='(?i)secret|password|^.{0,8}$|^parley-[a-z-]+$'

# It looks at a hundred thousand lines, each two dozen times: on all processors.
if [ $# -gt 0 ]; then printf '%s\0' "$@"; else git ls-files -z; fi |
  xargs -0 -n 100 -P "$(getconf _NPROCESSORS_ONLN)" .venv/bin/detect-secrets-hook \
    --exclude-files "$files" --exclude-lines "$lines" --exclude-secrets "$values"

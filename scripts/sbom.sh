#!/bin/sh
# Writes what the images and the page are made of, as CycloneDX: sh scripts/sbom.sh FOLDER
# One list for each lock that an image is built from (gpu and denoise: on top of another one), with the hashes of its packages; one for the page.
set -eu
cd "$(dirname "$0")/.."
folder=$1
mkdir -p "$folder"

# A lock does not tell which package wants which, and cyclonedx-py says so each time.
export PYTHONWARNINGS=ignore
for lock in requirements/base requirements/local deploy/gpu deploy/denoise; do
  .venv/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
    --output-file "$folder/parley-${lock##*/}.cdx.json" "$lock.lock"
done
npm --prefix agent/web/page sbom --silent --package-lock-only --omit dev \
  --sbom-format cyclonedx >"$folder/parley-page.cdx.json"

#!/bin/sh
# Make requirements.lock anew: one file for every platform and Python, versions with hashes.
# Pins that still fit pyproject.toml stay as they are; UPGRADE=1 takes the newest of each.
set -eu
cd "$(dirname "$0")/.."

room=.venv/lock
trap 'rm -rf "$room"' EXIT
.venv/bin/python -m venv "$room/venv"
"$room/venv/bin/pip" --disable-pip-version-check install -q uv

"$room/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
    ${UPGRADE:+--upgrade} --group dev pyproject.toml -o requirements.lock >/dev/null

# Where a package came from is the business of whoever installs it.
if grep -n '://' requirements.lock; then
    echo "requirements.lock must name no address" >&2
    exit 1
fi

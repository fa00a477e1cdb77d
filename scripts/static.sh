#!/bin/sh
# Brings the browser libraries that the console embeds, at the exact versions of
# package-lock.json. Run before `go build`: the files are never committed.
set -eu
cd "$(dirname "$0")/.."
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
mkdir -p internal/web/static/vendor
cp node_modules/htmx.org/dist/htmx.min.js internal/web/static/vendor/htmx.min.js

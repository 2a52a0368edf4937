#!/usr/bin/env bash
# The page of `rclab labs` in headless Chromium. Usage: tests/labs/page/run.sh RCLAB [FOLDER-FOR-SCREENSHOTS]
# Needs playwright-core (scripts/page/node_modules: scripts/setup page) and Chromium. RCLAB_LABS_PAGE names a page that is there already.
set -uo pipefail
rclab=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
chromium=$(command -v chromium) || { echo "not ok - chromium is missing: scripts/setup page" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RCLAB_LOCK="$work/lock"
if [ -n "${RCLAB_LABS_PAGE:-}" ]; then
    cp "$RCLAB_LABS_PAGE" "$work/labs.html"
else
    "$rclab" labs --seconds 1 -o "$work/labs.html" || { echo "not ok - rclab labs"; exit 1; }
fi
"$rclab" lab list --json >"$work/list.json"
node "$here/page.mjs" "$chromium" "$work" "${2:-}"

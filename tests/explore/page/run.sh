#!/usr/bin/env bash
# The page with the stepper in headless Chromium. Usage: tests/explore/page/run.sh [FOLDER-FOR-SCREENSHOTS]
# Needs playwright-core (scripts/page/node_modules: scripts/setup page) and Chromium.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/explore/scratch.sh
. "$here/../scratch.sh"
chromium=$(command -v chromium) || { echo "not ok - chromium is missing: scripts/setup page" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
explorer=$(explore_scratch "$work") || { echo "not ok - the explorer does not build"; exit 1; }
bad=0
page() { # NAME SCENARIO STRATEGY: NAME.html and the lanes beside it
    "$explorer" "$2" -s "$3" -o "$work/$1.html" >"$work/$1.txt" 2>&1
    [ $? -eq 1 ] || { echo "not ok - $2 on $3 does not fail"; cat "$work/$1.txt"; bad=1; }
}
page race incref-decref plain
page stale fails-stale biased
page free fails-free biased
page lock fails-lock biased
page text fails-text biased
"$explorer" fails-lock -s biased -o "$work/nowhere/a.html" -q >"$work/said" 2>&1
if [ $? -ne 2 ] || ! grep -q 'nowhere/a.html: No such file' "$work/said"; then
    echo "not ok - a page that cannot be written"
    bad=1
fi
node "$here/page.mjs" "$chromium" "$work" "${1:-}" || bad=1
exit "$bad"

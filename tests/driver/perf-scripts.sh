#!/usr/bin/env bash
# perf-scripts.sh -- the awk programs of scripts/perf-record on a recording that is written here, and what the perf-* scripts
# refuse. Needs neither perf nor a build. Run by run.sh; one line per check on standard output, exit 1 if one failed.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0

check() { # DESCRIPTION COMMAND…
    local description=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "ok    $description"; else echo "FAIL  $description"; failed=1; fi
}

# as perf script -F comm,ip,sym prints it: the command and a space, addresses and names, an empty line
script='rclab 
	   401 incref<int>+0x2
	   402 run_fib+0x9

rclab 
	   401 incref<int>
	   402 run_fib

rclab 
	   403 decref
	   402 run_fib
'
folded=$(awk -f scripts/perf-fold.awk <<<"$script" | LC_ALL=C sort)
wanted='rclab;run_fib;decref 1
rclab;run_fib;incref<int> 2'
check 'equal stacks are folded, outermost first' test "$folded" = "$wanted"
svg=$(awk -v title='a & b' -f scripts/perf-flame.awk <<<"$folded")
check 'a box for each function at each depth' test "$(grep -c '<title>' <<<"$svg")" -eq 4
check 'the caller is as wide as both' grep -q '<title>run_fib: 3 samples, 100.0%</title><rect x="0.00" y="[0-9]*" width="1200.00"' <<<"$svg"
check 'shares are those of the samples' grep -q '<title>incref&lt;int&gt;: 2 samples, 66.7%</title><rect x="400.00" y="[0-9]*" width="800.00"' <<<"$svg"
check 'names are escaped' grep -q 'a &amp; b' <<<"$svg"
check 'nothing is fetched' test -z "$(grep -oE '(href|src|url|@import)' <<<"$svg")"
for name in stat record lock c2c; do
    check "perf-$name has a help" scripts/perf-"$name" --help
    scripts/perf-"$name" --bogus >/dev/null 2>&1
    check "perf-$name refuses what it does not know, exit 2" test $? -eq 2
done
exit "$failed"

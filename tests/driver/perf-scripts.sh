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
# --- perf c2c: a stand-in for perf and one for rclab, whose worker writes a map; the report is as perf 6.1 prints it
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/map" <<'MAP'
# rclab allocation map: field TYPE OFFSET BYTES NAME; block ADDRESS BYTES TYPE. 0 blocks lost
field list 0 4 head.owner
field list 4 4 head.local
field list 8 8 head.shared
field list 24 8 type
field list 40 16 lock
field int 8 8 head.shared
block 0x7f01fffffff0 80 list
block 0x7f0200000040 32 int
block 0x7f0200000040 32 float
MAP
cat >"$work/report" <<'REPORT'
=================================================
            Shared Data Cache Line Table
=================================================
      0      0x7f01ffffffc0     0       9   50.00%
=================================================
      Shared Cache Line Distribution Pareto
=================================================
#        ----- HITM -----  ------- Store Refs ------  Off  Code address  Symbol
  -------------------------------------------------------------
      0        0        5        7        0        0      0x7f01ffffffc0
  -------------------------------------------------------------
           0.00%   60.00%   70.00%    0.00%    0.00%       0x34     0       1            0x4005d4  incref
           0.00%   40.00%   30.00%    0.00%    0.00%       0x38     0       1            0x4005d8  decref
  -------------------------------------------------------------
      1        0        4        0        0        0      0x7f0200000000
  -------------------------------------------------------------
           0.00%  100.00%    0.00%    0.00%    0.00%       0x18     0       1            0x4005e0  lock_try
           0.00%  100.00%    0.00%    0.00%    0.00%       0x38     0       1            0x4005e4  list_append
  -------------------------------------------------------------
      2        0        3        0        0        0      0x7f0200000040
  -------------------------------------------------------------
           0.00%  100.00%    0.00%    0.00%    0.00%        0x8     0       1            0x4005e8  incref
  -------------------------------------------------------------
      3        0        2        0        0        0      0x5555555590c0
  -------------------------------------------------------------
           0.00%  100.00%    0.00%    0.00%    0.00%       0x10     0       1            0x4005ec  list_step
REPORT
cat >"$work/perf" <<'PERF'
#!/usr/bin/env bash
case "$1 $2" in
    'c2c record') while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
    'c2c report') cat "$STAND_IN/report" ;;
    *) exit 1 ;;
esac
PERF
cat >"$work/rclab" <<'RCLAB'
#!/usr/bin/env bash
[[ $1 == worker && $3 == *'"statistics":true'* ]] && cp "$STAND_IN/map" "$RCLAB_ALLOCATION_MAP"
RCLAB
chmod +x "$work/perf" "$work/rclab"
lines=$(STAND_IN=$work RCLAB=$work/rclab PATH=$work:$PATH scripts/perf-c2c)
# shellcheck disable=SC2317 # called by check
named() { grep -qE -- "$1" <<<"$lines"; }
check 'c2c: a line says whose bytes are in it' named '0x7f01ffffffc0   <- list at 48$'
check 'c2c: also where an object goes on' named '0x7f0200000000   <- list from byte 16$'
check 'c2c: a field of the head' named '0x34 .*incref   <- list.head.local$'
check 'c2c: the next one' named '0x38 .*decref   <- list.head.shared$'
check 'c2c: a lock, in the second line of its object' named '0x18 .*lock_try   <- list.lock$'
check 'c2c: a byte after the known fields' named '0x38 .*list_append   <- list\+72$'
check 'c2c: an address that had two types names both' named '0x8 .*   <- int.head.shared or float\+8$'
check 'c2c: what is no object says so' named '0x5555555590c0   <- no object$'
check 'c2c: and gets no field' named 'list_step$'
check 'c2c: tables before are as they were' named '^      0      0x7f01ffffffc0     0       9   50.00%$'

for name in stat record lock c2c; do
    check "perf-$name has a help" scripts/perf-"$name" --help
    scripts/perf-"$name" --bogus >/dev/null 2>&1
    check "perf-$name refuses what it does not know, exit 2" test $? -eq 2
done
exit "$failed"

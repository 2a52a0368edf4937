#!/usr/bin/env bash
# The labs as a user sees them: every one runs, ends with 0 and says "shown", or why not. Usage: tests/labs/run.sh RCLAB
# (a build with fewer strategies has labs that say what they lack: that counts as a reason).
set -uo pipefail
rclab=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/checks.sh
. "$here/../checks.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RCLAB_LOCK="$work/lock" # others may measure
cd "$work" || exit 1

expect "lab without a name" 2 "rclab lab list" "$rclab" lab
expect "unknown lab: the near one is named" 2 "did you mean torn-access" "$rclab" lab torn-acess
expect "unknown lab after a known one: nothing runs" 2 "unknown lab 'nonsense'" "$rclab" lab torn-access nonsense
expect "bad number" 2 "seconds" "$rclab" lab torn-access --seconds 0
expect "labs without a file" 2 "name the page with -o" "$rclab" labs
expect "the list" 0 "1 +torn-access" "$rclab" lab list
expect "the list as JSON" 0 '"name": "torn-access"' "$rclab" lab list --json
expect "a budget of nothing leaves labs out" 124 "budget ran out" "$rclab" lab torn-access --budget 0s
expect "a page that cannot be written" 2 "nowhere/a.html: No such file" "$rclab" labs torn-access --budget 0s -o nowhere/a.html

names=$("$rclab" lab list | awk '{ print $2 }')
files=$(find "$here/../../bench/labs" -name '*.c' -exec basename {} .c \; | sort)
holds "every file in bench/labs is a lab" test "$(sort <<<"$names")" = "$files"
holds "no two labs have the same number" test -z "$("$rclab" lab list | awk '{ print $1 }' | sort | uniq -d)"
for name in $names; do
    expect "$name: shown, or a reason" 0 '^  (shown|not shown): .' timeout 120 "$rclab" lab "$name" --seconds 1 --no-ask
    holds "$name: two exercises" test "$(sed -n '/^Exercises$/,$p' out | grep -cE '^  [0-9]\. ')" -eq 2
    # What this machine has shown before it shows again, or the test must be told why: RCLAB_LABS_STRICT=1, on an idle machine
    if [ -n "${RCLAB_LABS_STRICT:-}" ]; then holds "$name: shown" grep -q '^  shown: ' out; fi
done

expect "JSON: one object a lab" 0 '^\{"lab": ?"torn-access"' "$rclab" lab torn-access --json --seconds 1
expect "no explorer: a reason, not a failure" 0 'not shown: .*rclab-explore|not shown: .*absent' \
    env RCLAB_EXPLORE="$work/absent" "$rclab" lab lost-update --seconds 1
holds "the page" "$rclab" labs torn-access lost-update --seconds 1 -o labs.html
holds "the page is one whole file" grep -q '</html>' labs.html
holds "the page fetches nothing" bash -c '! grep -qE "(src|href)=\"https?:[^\"]*\.(js|css|png|svg)" labs.html'

# the workloads that labs rest on
sample() { "$rclab" run --no-lock --no-counters -q --force -p 1 --min-time 50ms -w 10ms -o samples.jsonl "$@"; }
if "$rclab" list strategies | grep -q '^gil '; then
    : >trace
    holds "turns runs" sample -W turns -s gil -t 2 -L "trace=$work/trace"
    holds "turns traces a thread that waits for I/O and then for the GIL" grep -Eq '^0 wait [0-9]+ [0-9]+$' trace
    holds "turns traces a thread that computes" grep -Eq '^1 run [0-9]+ [0-9]+$' trace
    expect "turns refuses a trace that is not there" 2 "trace=/nowhere/trace" "$rclab" run -W turns -s gil -L trace=/nowhere/trace
    holds "consistent runs" sample -W consistent -s gil -t 10
    holds "ten multiplications make ft_utils' 93174.3733866435 (0x1.6bf65f96445eap+16)" grep -q '"result_bits":4681139307394909674[,}]' samples.jsonl
    holds "consistent runs under a long load" sample -W consistent -s gil -t 10 -L kind=long
    holds "its reference is ft_utils' 0x1.6bf65f96445edp+16" grep -q '"reference_bits":4681139307394909677[,}]' samples.jsonl
    holds "a counter that may be switched off between load and store runs" sample -W counter -s gil -t 4 -L switch=instruction
fi

echo "labs: $checks checks, $failed failed"
[ "$failed" -eq 0 ]

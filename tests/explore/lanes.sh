#!/usr/bin/env bash
# A failing schedule as text: names, members in words, places in the source, arrows, width. Usage: tests/explore/lanes.sh
# shellcheck disable=SC2317 # functions are called through check
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/explore/scratch.sh
. "$here/scratch.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
explorer=$(explore_scratch "$work") || { echo "lanes: the explorer does not build"; exit 1; }
unset COLUMNS NO_COLOR
checks=0 failed=0

check() { # WHAT COMMAND...
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" && return
    echo "FAIL $what"
    failed=$((failed + 1))
}
has() { grep -qE -- "$2" "$work/$1" || { sed 's/^/  | /' "$work/$1"; false; }; }
has_not() { ! has "$@" >/dev/null; }
explore() { # FILE ARGUMENTS...: exit 1, the lanes in FILE
    local file=$1 status
    shift
    "$explorer" "$@" >"$work/$file" 2>"$work/errors"
    status=$?
    [ "$status" -eq 1 ] && [ ! -s "$work/errors" ] && return
    echo "status $status"
    head -n 5 "$work/errors"
    false
}
fits() { # FILE WIDTH: every line of the lanes; the verdict's table after them is another matter
    ! sed -n '/^SCENARIO/d; /^At the end:/d; /^[a-z-]* *[a-z]* *rc11 /q; p' "$work/$1" | LC_ALL=C.UTF-8 grep -E "^.{$(($2 + 1)),}"
}
numbered() { # FILE: steps 1, 2, 3 … each once
    awk '/^At the end:|^[a-z ]+ in |^deadlock/ { exit } /^ *[0-9]+ / && substr($0, 1, 4) ~ /[0-9]/ { if ($1 != ++n) bad = 1 } END { exit bad || n < 3 }' "$work/$1"
}

check "a race is found" explore race incref-decref -s plain
check "steps are numbered" numbered race
check "one column a thread" has race '^ +A +┊ B'
check "members by name, with their values" has race '1 +read list#1\.rc\.count = 2 '
check "written values" has race '2 +write list#1\.rc\.count := 3 '
check "the runtime's line" has race 'plain_count\.h:[0-9]+ rc_incref'
check "the scenario's line" has race 'incref-decref\.c:[0-9]+'
check "what it races with" has race '← races with step [0-9]+ \(A\)'
check "the step that fails" has race '✗ here it fails'
check "steps of no concern are counted" has race '⋯ [0-9]+ steps? without effect on others'
check "the message has names" has race '^data race in B: a plain read of list#1\.rc\.count and a plain write by A'
check "the head at the end" has race '^list#1: rc\.count = 1$'
check "at most 100 columns" fits race 100
check "no colours in a file" has_not race $'\033'

check "all steps on demand" explore verbose incref-decref -s plain --verbose
check "then none is folded" has_not verbose '⋯'
check "statics by name" has verbose 'read pair\.o = list#1'

COLUMNS=80 check "narrow" explore narrow incref-decref -s plain
check "80 columns when COLUMNS says so" fits narrow 80

check "a stale read is found" explore stale fails-stale -s biased
check "it is marked" has stale '← from the initial value:'
check "so is the newest write" has stale 'stale, newest is step 1 \(A\)'
check "main is one row, no lane" has stale '^ +[0-9]+ main: ✗ here it fails  failing\.c:[0-9]+'
check "main's check" has stale '^assertion in main: .*failing\.seen'

check "use after free is found" explore free fails-free -s biased
check "the header is decoded" has free '0 → 0 \| QUEUED'
check "owners are threads" has free 'load list#1\.rc\.owner'
check "an owner's name" has free '= main  relaxed'
check "states of threads" has free 'detached → suspended'
check "an arrow from the store" has free '─┐'
check "an arrow to its load" has free '└▶load failing\.x = 1  acquire'
check "where it was freed" has free '← freed in step [0-9]+ \(A\)'
check "the object is gone" has free '^list#1: .*\(freed\)|\(freed\)$'
check "its message" has free '^use after free in B: a plain read of list#1\.type'
check "no more than 100 columns" fits free 100

check "a deadlock is found" explore lock fails-lock -s biased
check "locks by their own name" has lock 'lock failing\.lock\[[01]\]\.held'
check "both wait for ever" [ "$(grep -c '← waits for ever' "$work/lock")" -eq 2 ]

check "a leak is found" explore leak fails-leak -s atomic
check "main's long farewell is folded" [ "$(wc -l <"$work/leak")" -lt 60 ]

PATH=$work/none check "without binutils it prints all the same" explore bare incref-decref -s plain
check "then with addresses" has bare '1 +read list#1\.rc\.count = 2 +.* 0x[0-9a-f]+'

echo "lanes: $checks checks, $failed failed"
[ "$failed" -eq 0 ]

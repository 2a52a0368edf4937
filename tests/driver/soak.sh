#!/usr/bin/env bash
# soak.sh RCLAB RCLAB-FAULTY -- `rclab soak`: two minutes of random cells of the real strategies, which must find nothing, with a fixed
# seed (what fits into the time depends on the machine; what each number draws does not); and that the driver's faulty strategies are
# found. One line per check, and a last one; exit 1 if a check failed.
set -u

if [ $# -ne 2 ]; then
    echo "usage: $0 RCLAB RCLAB-FAULTY" >&2
    exit 2
fi
rclab=$(realpath "$1")
faulty=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export RCLAB_LOCK=$work/lock
checks=0
failed=0

# expect DESCRIPTION CODE PATTERN COMMAND…
expect() {
    local description=$1 code=$2 pattern=$3 got
    shift 3
    "$@" >out 2>&1 </dev/null
    got=$?
    checks=$((checks + 1))
    if [ "$got" -eq "$code" ] && grep -Eq -- "$pattern" out; then
        echo "ok    $description"
    else
        failed=$((failed + 1))
        echo "FAIL  $description (exit $got, wanted $code and '$pattern')"
        sed 's/^/      | /' out | tail -n 40
    fi
}

expect 'random cells of all strategies find nothing' 0 '^soak +[1-9][0-9]* cells, [1-9][0-9]* of [1-9][0-9]* workloads, ([1-9]) of \1 strategies, 0 findings$' \
    "$rclab" soak --seed 20 --budget 2m

# what a number draws is the seed's alone
"$rclab" soak --seed 7 --cell 3 --budget 0.001 >first 2>&1
"$rclab" soak --seed 7 --cell 3 --budget 0.001 >second 2>&1
expect 'the same seed draws the same cell' 0 '^cell 3: ' diff -y --width=400 first second
expect 'policies are drawn' 0 ' lock=' cat first

# gc=off is drawn only where it is asked for; -L restricts what is drawn, and is part of what repeats a cell
for cell in 0 1 2 3 4 5 6 7 8 9; do
    "$rclab" soak --seed 7 --cell $cell --budget 0.001 -W alloc
done >collected 2>&1
for cell in 0 1 2 3 4 5 6 7 8 9; do
    "$rclab" soak --seed 7 --cell $cell --budget 0.001 -W alloc -L gc=off,track-locked -L lock futex
done >restricted 2>&1
expect 'every cell has a collector' 0 '^10$' grep -c '^cell .* gc=track-' collected
expect 'unless off is among the values of -L' 0 '^cell .* gc=off' cat restricted
expect 'which draws no others' 0 '^10$' grep -Ec '^cell .* lock=futex .* gc=(off|track-locked)( |$)' restricted
expect 'the repeating command has -L' 0 '^soak +rclab soak --seed 7 .* -W alloc -L gc=off,track-locked -L lock=futex$' cat restricted
expect 'an unknown parameter' 2 "parameter of these workloads 'lokc' \(did you mean lock" "$rclab" soak -W fib -L lokc=futex
expect 'a value that is not allowed' 2 'gc=on: allowed is off\|track-locked' "$rclab" soak -L gc=on
expect 'a budget for no cell at all' 2 'budget 0: no cell would be run; allowed is a time above 0' "$rclab" soak --budget 0
expect 'an argument that is none' 2 "soak: 'foo' is not an option" "$rclab" soak foo
expect 'no unsafe strategy' 2 "safe under threads" "$rclab" soak -s plain --budget 1s
expect 'an unknown workload' 2 "workload 'grpah'" "$rclab" soak -W grpah --budget 1s

sound=(soak --seed 1 --budget 0.001 --cell 0)
expect 'a sound one is sound, and what was covered is said' 0 '^soak +1 cells, 1 of 1 workloads, 1 of 1 strategies, 0 findings$' "$faulty" "${sound[@]}" -s sound -W fib
expect 'a crash is found' 4 'finding 1: cell 0: faulty-crash fib t[2-8].*: crash: SIGSEGV' "$faulty" "${sound[@]}" -s faulty-crash -W fib
expect 'with the command that repeats it' 4 'repeat: rclab soak --seed 1 -s faulty-crash -W fib --cell 0' \
    "$faulty" "${sound[@]}" -s faulty-crash -W fib
expect 'and its values of -L' 4 'repeat: rclab soak --seed 1 -s faulty-crash -W fib -L n=3,4 --cell 0' \
    "$faulty" "${sound[@]}" -s faulty-crash -W fib -L n=3,4
expect 'and its last words' 4 '\| last words' "$faulty" "${sound[@]}" -s faulty-crash -W fib
expect 'a wrong answer is found' 4 'wrong_result: the sum was 41' "$faulty" "${sound[@]}" -s faulty-wrong -W fib
expect 'a leak is found' 4 'leaked 7 objects' "$faulty" "${sound[@]}" -s faulty-leak -W fib
expect 'a hang is found' 4 ': timeout' "$faulty" "${sound[@]}" -s faulty-hang -W fib --timeout 0.1
expect 'an exit is found' 4 'crash: exit 3' "$faulty" "${sound[@]}" -s faulty-exit -W fib
expect 'growing memory is found' 4 'memory grows: [0-9]+, [0-9]+, [0-9]+, [0-9]+ KiB' "$faulty" "${sound[@]}" -s faulty-grow -W fib
expect 'memory that fills up to a bound is not' 0 '0 findings' "$faulty" "${sound[@]}" -s faulty-fill -W fib
expect 'what is wrong by design is not' 0 '0 findings' "$faulty" "${sound[@]}" -s sound -W race

echo "soak: $checks checks, $failed failed"
[ "$failed" -eq 0 ]

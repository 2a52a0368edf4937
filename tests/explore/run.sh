#!/usr/bin/env bash
# run.sh EXPLORER -- what the explorer promises: litmus tests, failures that it must find and replay, bounds, budgets, exit codes,
# determinism. (agreement.sh compares it with brute force on random programs.) Nothing here depends on how fast anything is.
# One line per check that failed, and a last one; exit 1 if a check failed.
set -u

if [ $# -ne 1 ]; then
    echo "usage: $0 EXPLORER" >&2
    exit 2
fi
explorer=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
# those that must be there; a smaller build (make STRATEGIES=…) is tested with RCLAB_STRATEGIES set alike
read -ra strategies <<<"${RCLAB_STRATEGIES:-atomic biased buffered gil plain}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
# shellcheck source=tests/checks.sh
. "$here/../checks.sh"
# shellcheck source=tests/explore/lines.sh
. "$here/lines.sh"

prove() { # SCENARIO OPTION…: the line of JSON
    local scenario=$1
    shift
    "$explorer" "$scenario" -s litmus --json "$@" 2>&1
}

timeless() { sed -E 's/"seconds":[^,]*,//' "$1"; }

# --- every litmus test and self-test, by both searches, under both models
for model in rc11 sc; do
    expect "all are as stated, $model" 0 . "$explorer" --all -s litmus --json --model "$model"
    cp out "dpor.$model"
    expect "all are as stated, $model, brute force" 0 . "$explorer" --all -s litmus --json --model "$model" --search brute
    cp out "brute.$model"
    while read -r line && read -r forced <&3; do
        name=$(field scenario "$line")
        if [ "$(field wrong "$line")" != null ] || [ "$(field wrong "$forced")" != null ]; then
            echo "$line" >held
            verdict "$name, $model: as stated" 1 held
            continue
        fi
        verdict "$name, $model: as stated" 0 held
        [ "$(field verdict "$line")" = proved ] || continue
        holds "$name, $model: no execution is found twice" test "$(field executions "$line")" = "$(field graphs "$line")"
        holds "$name, $model: the search and brute force find the same executions" \
            test "$(field graphs "$line") $(field graphs_sum "$line")" = "$(field graphs "$forced") $(field graphs_sum "$forced")"
    done <"dpor.$model" 3<"brute.$model"
done
holds 'there are 25 litmus tests and more' test "$(grep -c '"outcomes":\["' dpor.rc11)" -ge 25
holds 'there are ten kinds of failure and more' test "$(sed -n 's/.*"failure":{"kind":"\([^"]*\)".*/\1/p' dpor.rc11 | sort -u | wc -l)" -ge 10

# --- each failing self-test fails again when its schedule is replayed (a crash has none)
for found in dpor.rc11 brute.rc11 dpor.sc; do
    while read -r line; do
        name=$(field scenario "$line")
        [ "$(failure "$line")" = null ] || [[ $(failure "$line") = '{"kind":"crash"'* ]] && continue
        again=$(replay "$explorer" "$line")
        holds "$name ($found): its replay fails in the same way" test "$(failure "$again")" = "$(failure "$line")"
        holds "$name ($found): its replay has the same schedule" test "$(field schedule "$again")" = "$(field schedule "$line")"
    done <"$found"
done

# --- the bound on preemptions: two threads of two steps each have 6 interleavings, 2 without a preemption
executions() { field executions "$(prove "$@")"; }
sb=(sb --search brute --model sc)
holds 'no preemption: one thread after the other' test "$(executions "${sb[@]}" --preemptions 0)" = 2
holds 'one preemption: more' test "$(executions "${sb[@]}" --preemptions 1)" = 4
holds 'a large bound is none' test "$(executions "${sb[@]}" --preemptions 100)" = 6
holds 'no bound' test "$(executions "${sb[@]}")" = 6
expect 'no preemption finds no lost update, and that is no proof' 3 '"verdict":"budget"' "$explorer" lost-update -s litmus --search brute --model sc --preemptions 0 --json
expect 'one preemption finds it' 0 '"stated":true' "$explorer" lost-update -s litmus --search brute --model sc --preemptions 1 --json

# --- spins and surprises
holds 'a thread that spins twice in vain is seen' test "$(executions livelock-mended --spins 2)" -gt "$(executions livelock-mended --spins 1)"
holds 'and one that never does' test "$(executions livelock-mended --spins 0)" -lt "$(executions livelock-mended --spins 1)"
expect 'a weak compare-and-swap that has no reason to fail' 0 '"outcomes":\["x=1"\]' "$explorer" weak-cas -s litmus --json
expect 'fails for none' 1 '"outcomes":\["x=0","x=1"\]' "$explorer" weak-cas -s litmus --json --spurious 1

# --- PCT
lost=(lost-update --search random --model sc --schedules 100)
for seed in 1 2 3 4 5 6 7 8 9 10; do
    holds "PCT finds a bug of depth 2, seed $seed" test "$(field verdict "$(prove "${lost[@]}" --depth 2 --seed $seed)")" = failed
done
expect 'at depth 1 it finds none' 3 '"verdict":"budget"' "$explorer" "${lost[@]}" -s litmus --depth 1 --json
for scenario in lost-update random; do
    prove $scenario --search random --schedules 50 --seed 7 >one
    prove $scenario --search random --schedules 50 --seed 7 >two
    holds "$scenario: the same seed does the same" diff <(timeless one) <(timeless two)
done
for seed in 1 2 3 4 5 6 7 8 9 10; do prove "${lost[@]}" --depth 2 --seed $seed; done | sed 's/.*"executions":\([0-9]*\).*/\1/' | sort -u >different
holds 'other seeds do otherwise' test "$(wc -l <different)" -gt 1

# --- determinism
"$explorer" --all -s litmus --json >again
holds 'two runs print the same' diff <(timeless dpor.rc11) <(timeless again)
"$explorer" incref-decref --json >one
"$explorer" incref-decref --json >two
holds 'two proofs of the strategies print the same' diff <(timeless one) <(timeless two)
holds 'and it is not empty' test -s one

# --- budgets: 3
expect 'a budget of executions' 3 'sb +litmus +rc11 +budget ran out +1 ' "$explorer" sb -s litmus -q --schedules 1
expect 'that is large enough' 0 'sb +litmus +rc11 +proved +4 ' "$explorer" sb -s litmus -q --schedules 4
expect 'a budget of time' 3 '"verdict":"budget"' "$explorer" corr2 -s litmus --search brute --budget 1ms --json
expect 'random runs end with the budget' 3 '"executions":5,' "$explorer" sb -s litmus --search random --schedules 5 --json

# --- failures that are not stated: 1
if [[ " ${strategies[*]} " == *' plain '* ]]; then
    expect 'a failure' 1 'incref-decref +plain .*FAILED' "$explorer" incref-decref -s plain -q
    holds 'has a schedule' grep -q "again: --replay '" out
    schedule=$(sed -n "s/.*again: --replay '\(.*\)'.*/\1/p" out)
    expect 'that fails again' 1 'FAILED' "$explorer" incref-decref -s plain -q --replay "$schedule"
    expect 'printed as lanes' 1 'data race' "$explorer" incref-decref -s plain
    line=$("$explorer" stale-owner -s plain --json)
    holds 'of a race that the search sees from the other side, what is said is what its schedule shows' replays "$line" "$(replay "$explorer" "$line")"
fi

# --- what is refused: 2, and the value is named
usage() { # DESCRIPTION PATTERN OPTION…
    local description=$1 pattern=$2
    shift 2
    expect "$description" 2 "$pattern" "$explorer" "$@"
}
usage 'no scenario' 'which scenario'
usage 'an unknown scenario' "unknown scenario 'incref-decreff'.*did you mean incref-decref" incref-decreff
usage 'an unknown strategy' "unknown strategy 'atomicc'" sb -s atomicc
usage 'an unknown model' "unknown model 'tso'.*rc11" sb --model tso
usage 'an unknown search' "unknown search 'dfs'.*brute" sb --search dfs
usage 'a budget that is no time' "'soon' is no time" sb --budget soon
usage 'no number of schedules' "--schedules: 'many' is no whole number" sb --schedules many
usage 'no schedules at all' "--schedules: '0' is no whole number from 1" sb --schedules 0
usage 'half a number' "--seed: '1x' is no whole number" sb --seed 1x
usage 'a negative bound' "--preemptions: '-1' is no whole number from 0" sb --preemptions -1
usage 'a negative number of spins' "--spins: '-2' is no whole number from 0" sb --spins -2
usage 'too many surprises' "--spurious: '11' is no whole number from 0 to 10" sb --spurious 11
usage 'a depth beyond 16' "--depth: '17' is no whole number from 1 to 16" sb --depth 17
usage 'an unknown option' 'unrecognized option' sb --fast
usage 'a replay of two scenarios' '--replay belongs to one scenario' sb mp -s litmus --replay A
usage 'a replay without a strategy' '--replay belongs to one scenario' sb --replay A
usage 'a scenario that the strategy does not have' 'none of these scenarios can run' sb -s "${strategies[0]}"
for schedule in Q a 'A A A' 'A B C' 1 0 / 'A 1' 'A-1' '!'; do
    usage "the schedule '$schedule'" "schedule: '.' cannot go on at \"" sb -s litmus --replay "$schedule"
done
usage 'a choice that there is not' 'choice 9 of a step that has 2, at "9"' sb -s litmus --replay 'A B A9'
usage 'a choice without end' 'choice [0-9]+ of a step that has' sb -s litmus --replay 'A99999999999999999999999'

# --- the list
"$explorer" --list >list
holds 'every scenario of the table is in the list' test "$(sed 's/ .*//' list | sort -u | wc -l)" = "$(wc -l <list)"
holds 'with its source' test "$(grep -cv ' \[.*\]$' list)" = 0
sed 's/.*"scenario":"\([^"]*\)".*/\1/' dpor.rc11 | sort >litmus
comm -23 litmus <(sed 's/ .*//' list | sort) >missing
holds 'those of the litmus unit too' test ! -s missing

echo "explore: $checks checks, $failed failed"
[ "$failed" -eq 0 ]

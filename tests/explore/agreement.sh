#!/usr/bin/env bash
# agreement.sh EXPLORER [FIRST LAST] -- for the random programs of seeds FIRST to LAST (1 to 150), under both models: the search and
# brute force find the same executions (as many, and with the same sum of hashes) and the same outcomes, the search finds none
# twice, and what sc allows rc11 allows. One line per program that disagrees, and a last one; exit 1 if one did.
set -u

if [ $# -ne 1 ] && [ $# -ne 3 ]; then
    echo "usage: $0 EXPLORER [FIRST LAST]" >&2
    exit 2
fi
explorer=$1 first=${2-1} last=${3-150}
checks=0
failed=0
executions=0
schedules=0

# shellcheck source=tests/explore/lines.sh
. "$(dirname "$0")/lines.sh"

outcomes() { # LINE: one on each line; they are sorted
    local list=${1##*\"outcomes\":[\"}
    list=${list%\"]\}}
    echo "${list//\",\"/$'\n'}"
}

agree() { # SEED WHAT ONE OTHER
    checks=$((checks + 1))
    [ "$3" = "$4" ] && return
    failed=$((failed + 1))
    echo "FAIL  seed $1: $2: $3, not $4"
}

for ((seed = first; seed <= last; seed++)); do
    for model in rc11 sc; do
        program=(random -s litmus --json --seed "$seed" --model "$model" --spins $((seed % 3)) --spurious $((seed % 2)))
        searched=$("$explorer" "${program[@]}")
        forced=$("$explorer" "${program[@]}" --search brute)
        agree "$seed" "$model, the search's verdict" "$(field verdict "$searched")" proved
        agree "$seed" "$model, brute force's verdict" "$(field verdict "$forced")" proved
        agree "$seed" "$model, executions that the search found twice" \
            $(($(field executions "$searched") - $(field graphs "$searched"))) 0
        agree "$seed" "$model, executions" "$(field graphs "$searched")" "$(field graphs "$forced")"
        agree "$seed" "$model, the set of executions" "$(field graphs_sum "$searched")" "$(field graphs_sum "$forced")"
        agree "$seed" "$model, outcomes" "$(outcomes "$searched")" "$(outcomes "$forced")"
        executions=$((executions + $(field executions "$searched")))
        schedules=$((schedules + $(field executions "$forced")))
        outcomes "$searched" >"/tmp/agreement.$$.$model"
    done
    agree "$seed" 'outcomes of sc that rc11 forbids' "$(comm -23 <(LC_ALL=C sort "/tmp/agreement.$$.sc") <(LC_ALL=C sort "/tmp/agreement.$$.rc11"))" ''
done
rm -f "/tmp/agreement.$$".*
echo "programs: seeds $first to $last; executions by the search $executions, by brute force $schedules"
echo "agreement: $checks checks, $failed failed"
[ "$checks" -gt 0 ] && [ "$failed" -eq 0 ]

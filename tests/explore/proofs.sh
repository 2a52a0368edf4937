#!/usr/bin/env bash
# proofs.sh EXPLORER -- every scenario that does not take minutes, on every strategy that promises right answers under threads, is
# proved under rc11, within a million executions (time decides nothing); of one that is stated to fail, the printed schedule fails again
# in the same way. One check a proof, one a replay; a line for each that does not hold, and a last one. Exit 1 if there is one.
set -u
[ $# -eq 1 ] || { echo "usage: $0 EXPLORER" >&2; exit 2; }
# shellcheck source=tests/explore/lines.sh
. "$(dirname "$0")/lines.sh"
checks=0 failed=0

fail() {
    failed=$((failed + 1))
    echo "FAIL  $1"
}

while IFS= read -r line; do
    checks=$((checks + 1))
    case $line in
        *'"strategy":"litmus"'*) ;; # run.sh judges those: some are stated to fail
        *'"stated":true'*) # a failure that the scenario is there to show, of the kind it says
            checks=$((checks + 1))
            again=$(replay "$1" "$line")
            replays "$line" "$again" || fail "replayed: $again, not: $line"
            ;;
        *'"verdict":"proved"'*'"wrong":null'*) ;;
        *) fail "$line" ;;
    esac
done < <("$1" --all --quick --json --budget 0 --schedules 1000000)
echo "proofs: $checks checks, $failed failed"
[ "$failed" -eq 0 ] && [ "$checks" -gt 0 ]

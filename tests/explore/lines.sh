# shellcheck shell=bash
# lines.sh -- sourced: reads the explorer's lines of JSON (--json), one a proof.

# field KEY LINE: a number or word
field() {
    local pattern="\"$1\":\"?([^\",]*)"
    [[ $2 =~ $pattern ]] && echo "${BASH_REMATCH[1]}"
}

failure() { # LINE: what failed, and how
    local rest=${1#*\"failure\":}
    echo "${rest%%,\"schedule\"*}"
}

# replay EXPLORER LINE OPTION…: the line of that failure's schedule, run again
replay() {
    local explorer=$1 line=$2 schedule
    shift 2
    schedule=$(field schedule "$line")
    [ "$schedule" != null ] || schedule=
    "$explorer" "$(field scenario "$line")" -s "$(field strategy "$line")" --model "$(field model "$line")" --json --replay "$schedule" "$@" 2>&1
}

# replays LINE AGAIN: the replay failed in the same way, and has the same schedule
replays() { [ "$(failure "$1")" = "$(failure "$2")" ] && [ "$(field schedule "$1")" = "$(field schedule "$2")" ]; }

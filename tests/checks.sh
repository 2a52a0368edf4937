# shellcheck shell=bash
# checks.sh -- sourced by the scripts that test programs from outside: one check is a description, an exit code, a pattern.
#
# The caller stands in a folder of its own: `out` and `held` are written there. `checks` and `failed` count; with checks_loud=1 those
# that hold are printed too.
checks=0
failed=0

verdict() { # DESCRIPTION STATUS FILE: counts one check; the file is shown if it failed
    checks=$((checks + 1))
    if [ "$2" -eq 0 ]; then
        [ "${checks_loud-0}" = 0 ] || echo "ok    $1"
        return
    fi
    failed=$((failed + 1))
    echo "FAIL  $1"
    sed 's/^/      | /' "$3" | cut -c 1-300 | head -n 12
}

# expect DESCRIPTION CODE PATTERN COMMAND…: the exit code, and an extended regular expression in the output. Both streams
# go to `out`.
expect() {
    local description=$1 code=$2 pattern=$3 got
    shift 3
    "$@" >out 2>&1 </dev/null
    got=$?
    if [ "$got" -ne "$code" ]; then
        echo "(exit $got, not $code)" >>out
        verdict "$description" 1 out
    else
        grep -Eq -- "$pattern" out
        verdict "$description" $? out
    fi
}

holds() { # DESCRIPTION COMMAND…: the command succeeds; it may look at `out` of the last `expect`
    local description=$1
    shift
    "$@" >held 2>&1
    verdict "$description" $? held
}

#!/usr/bin/env bash
# What a user sees of `rclab report`: refusals, and the page in a browser. Usage: tests/page/run.sh RCLAB
set -uo pipefail
rclab=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
template=$(cd "$here/../.." && pwd)/build/page/template.html
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
count=0

# check NAME EXIT TEXT COMMAND…: the exit code, and TEXT somewhere in what it says
check() {
    local name=$1 code=$2 text=$3 got
    shift 3
    count=$((count + 1))
    "$@" >"$work/said" 2>&1
    got=$?
    if [ "$got" -ne "$code" ] || { [ -n "$text" ] && ! grep -qF -- "$text" "$work/said"; }; then
        echo "not ok - $name: exit $got, wanted $code and '$text'; it said:"
        head -n 5 "$work/said"
        bad=1
    fi
}
for kind in full failed single latency; do node "$here/samples.mjs" "$kind" >"$work/$kind.jsonl"; done
cd "$work" || exit 1

: >empty.jsonl
echo 'not a sample' >foreign.jsonl
echo '{"t":"run","schema":"else/1"}' >schema.jsonl
head -c 30000 full.jsonl >cut.jsonl # within a sample
head -c 900 full.jsonl >stump.jsonl # within the run record
{ head -n 3 full.jsonl; echo '{"t":"sample","cell":"no/such/t1","round":0,"status":"ok"}'; } >stranger.jsonl
# histograms that are not what they should be are left out, not believed
sed 's/"hist":{"unit":"ns","counts":\[\[/"hist":{"unit":"ns","counts":[7,[],["x",1],[5,-3],[1e308,99999999999],[/' full.jsonl >hist.jsonl

check "help" 0 "Usage: rclab report" "$rclab" report --help
check "no file" 2 "name a file of samples" "$rclab" report -o a.html
check "no output" 2 "name the page with -o" "$rclab" report full.jsonl
check "absent file" 2 "absent.jsonl: No such file" "$rclab" report absent.jsonl -o a.html
check "empty file" 2 "empty.jsonl:0: the file is empty" "$rclab" report empty.jsonl -o a.html
check "foreign file" 2 "foreign.jsonl:1: not a JSON object" "$rclab" report foreign.jsonl -o a.html
check "another schema" 2 "another schema than rclab/1" "$rclab" report schema.jsonl -o a.html
check "cut run record" 2 "stump.jsonl:1: not a JSON object" "$rclab" report stump.jsonl -o a.html
check "stranger's sample" 2 "stranger.jsonl:4:" "$rclab" report stranger.jsonl -o a.html
check "one bad file of two" 2 "empty.jsonl" "$rclab" report full.jsonl empty.jsonl -o a.html
[ ! -e a.html ] || { echo "not ok - a page was written in spite of an error"; bad=1; }
check "output is a folder that is not there" 2 "nowhere/a.html: No such file" "$rclab" report full.jsonl -o nowhere/a.html
check "output takes nothing" 2 "No space left" "$rclab" report full.jsonl -o /dev/full
check "output is the input" 2 "it is not overwritten" "$rclab" report full.jsonl -o full.jsonl
check "no such template" 2 "RCLAB_TEMPLATE absent.html: No such file" env RCLAB_TEMPLATE=absent.html "$rclab" report full.jsonl -o a.html
check "not a template" 2 "make page" env RCLAB_TEMPLATE=foreign.jsonl "$rclab" report full.jsonl -o a.html
mkdir -p alone/bin && cp "$rclab" alone/bin/
check "no template anywhere" 2 "make page" alone/bin/rclab report full.jsonl -o a.html
mkdir -p alone/share/rclab && cp "$template" alone/share/rclab/
check "installed template" 0 "" alone/bin/rclab report full.jsonl -o installed.html
check "cut last line" 0 "the last line is cut off" "$rclab" report cut.jsonl -o cut.html
check "damaged histograms" 0 "" "$rclab" report hist.jsonl -o hist.html
check "standard output" 0 "<!doctype html>" "$rclab" report single.jsonl -o -
check "two files" 0 "" "$rclab" report full.jsonl single.jsonl -o two.html
for kind in full failed single latency; do
    check "page of $kind" 0 "" "$rclab" report "$kind.jsonl" -o "$kind.html"
    "$rclab" show --style md "$kind.jsonl" >"$kind.md"
    "$rclab" show --style csv "$kind.jsonl" >"$kind.csv"
done
[ "$bad" -eq 0 ] && echo "ok - $count checks of the command"

chromium=$(command -v chromium) || { echo "not ok - chromium is missing: scripts/setup page" >&2; exit 1; }
node "$here/page.mjs" "$chromium" "$work" || bad=1
exit "$bad"

#!/usr/bin/env bash
# run.sh RCLAB RCLAB-FAULTY -- what a user sees of the driver: output, files, exit codes. Nothing here depends on how fast
# anything is. RCLAB has the real strategies; RCLAB-FAULTY is the driver with tests/driver/faulty_runtime.c.
# One line per check, and a last one; exit 1 if a check failed.
set -u

if [ $# -ne 2 ]; then
    echo "usage: $0 RCLAB RCLAB-FAULTY" >&2
    exit 2
fi
rclab=$(realpath "$1")
faulty=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
manual=$here/../../bench/rclab.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export XDG_STATE_HOME=$work/state NO_COLOR=1 RCLAB_LOCK=$work/lock
unset LC_ALL 2>/dev/null

# those that must be there; a smaller build (make STRATEGIES=…) is tested with RCLAB_STRATEGIES set alike
strategies=${RCLAB_STRATEGIES:-atomic biased buffered gil plain}
read -ra words <<<"$strategies"
all=$((2 * ${#words[@]})) # samples of a run of all strategies over two rounds
brief=(-p 2 -w 0.01 --min-time 0.01)
small=(-W fib -L n=10)
# shellcheck disable=SC2034 # read by checks.sh
checks_loud=1
# shellcheck source=tests/checks.sh
. "$here/../checks.sh"
worker_pattern='rclab worker [0-9]+ [{]'

lacks() { # FILE PATTERN: the file is there, is not empty, and has no such line
    [ -s "$1" ] && ! grep -Eq -- "$2" "$1"
}

count_is() { # NUMBER PATTERN FILE: so many lines match
    [ "$(grep -Ec -- "$2" "$3")" -eq "$1" ]
}

cells_of() { # FILE: the cells in the order they were run
    sed -n 's/^{"t":"sample","cell":"\([^"]*\)".*/\1/p' "$1"
}

prints_alike() { # what `run` printed against what `show` did
    grep -q '^STRATEGY' run.out && diff <(grep -v '^samples ' run.out | sed '/^$/d') <(sed '/^$/d' out)
}

instructions_of() { # FILE: of its first sample
    sed -n 's/.*"callgrind-instructions"[^}]*"value":\([0-9]*\).*/\1/p' "$1" | head -n 1
}

near_by() { # two numbers that differ by one in a hundred at most
    [ "$1" -gt 0 ] && [ $(($1 * 100)) -le $(($2 * 101)) ] && [ $(($2 * 100)) -le $(($1 * 101)) ]
}

same_order() {
    [ -n "$(cells_of "$1")" ] && [ "$(cells_of "$1")" = "$(cells_of "$2")" ]
}

other_order() {
    [ -n "$(cells_of "$1")" ] && [ "$(cells_of "$1")" != "$(cells_of "$2")" ]
}

# --- what the choice of grace periods rests on (objects/retire.h)
expect 'liburcu measured: a row for each flavour' 0 '^qsbr/1000 +[0-9.]+ us ' "$here/../../scripts/rcu-benchmark" -r 1
holds 'of sections and of grace periods' count_is 9 '^(none|memb|mb|qsbr/1|qsbr/1000) +[0-9]' out
expect 'rounds that are no number' 2 "^scripts/rcu-benchmark: -r '0': allowed is a whole number" "$here/../../scripts/rcu-benchmark" -r 0
expect 'what is no option' 2 "'foo' is not an option" "$here/../../scripts/rcu-benchmark" foo

# --- help and lists
expect 'help names the commands' 0 'fastfib' "$rclab" --help
expect 'help hides the worker' 0 'Commands:' "$rclab" --help
holds 'worker is not in the help' lacks out '^ +worker'
expect 'version' 0 '^rclab [0-9]' "$rclab" --version
expect 'run has a help' 0 'reference' "$rclab" run --help
for strategy in $strategies; do
    expect "list shows $strategy once" 0 "^$strategy +[0-9]+ B" "$rclab" list strategies
    holds "list does not show $strategy twice" count_is 1 "^$strategy " out
    expect "JSON list has $strategy" 0 "\"name\": \"$strategy\"" "$rclab" list strategies --json
done
expect 'JSON list has header sizes' 0 '"head_bytes": [1-9]' "$rclab" list --json
expect 'list workloads has fib' 0 '^fib +calls' "$rclab" list workloads
expect 'list workloads has fastfib' 0 '^fastfib ' "$rclab" list workloads
expect 'list params has choices' 0 '^[^ ]+ +shared +counted\|immortal ' "$rclab" list params
expect 'list policies has values and defaults' 0 '^gc +off\|track-locked\|track-buffered +off ' "$rclab" list policies
holds 'and no parameter of a workload' lacks out '^(n|depth) '
holds 'list policies says where defer and borrow are' grep -q '^! defer and borrow .* parameters of the workload fib: rclab list params$' out
holds 'list policies names what the runtime declares' test "$(grep -c '^    {"' "$here/../../bench/runtime.c")" -eq "$(($(grep -vc '^!' out) - 1))"
expect 'a policy that a strategy cannot have is listed with the reason' 0 '^! reads=optimistic: not with strategy plain: ' "$rclab" list policies
expect 'and refused' 2 'reads=optimistic: not with strategy plain: ' "$rclab" run "${small[@]}" -s plain -L reads=optimistic "${brief[@]}"
expect 'JSON list has policies' 0 '"track-buffered"' "$rclab" list policies --json
expect 'list has policies too' 0 '^POLICY ' "$rclab" list

# --- policies: a value that is not the default is named, and is part of what a cell is
expect 'a policy in the heading' 0 '^graph size=64 .*gc=track-buffered' "$rclab" run -W graph -s "${words[0]}" -t 1 \
    -L size=64 -L gc=track-buffered,off -L gc-threshold=100 "${brief[@]}" --stats -o policies.jsonl
holds 'the collector has its table' grep -Eq "^${words[0]} +[1-9][0-9]* +[0-9]+ +[1-9]" out
holds 'its figures are in the file' grep -Eq '"collector":\{"collections":[1-9].*"uncollectable":0.*"stops":\{"unit":"ns","events":[1-9]' policies.jsonl
holds 'what compares the two is told' grep -qx 'compare  rclab compare --along=gc policies.jsonl' out
holds 'and null where it was off' count_is 2 '"collector":null' policies.jsonl
holds 'the cell is named by it' grep -q '"cell":"graph/[^"]*gc=track-buffered' policies.jsonl
expect 'an unknown policy' 2 "gc=on: allowed is off\|track" "$rclab" run -W graph -s "${words[0]}" -L gc=on
for gc in off track-locked; do
    "$rclab" run -W graph -s "${words[0]}" -t 1 -L gc=$gc "${brief[@]}" --seed 3 -o merge-$gc.jsonl >out 2>&1
done
expect 'runs of two policies are not merged' 2 'cell' "$rclab" merge merge-off.jsonl merge-track-locked.jsonl -o merged.jsonl
expect 'pause tells its facts' 0 'facts +lists=.*traversal_ns.*pause_ns.*ratio_percent' "$rclab" run -W pause -s "${words[0]}" -t 1 \
    -L gc=track-buffered "${brief[@]}" -o pause.jsonl
expect 'unknown list' 2 'allowed: strategies' "$rclab" list nonsense

# --- a run and its file
expect 'run of all strategies' 0 'samples  .*run.jsonl' "$rclab" run "${small[@]}" -t 1 "${brief[@]}" --seed 7 -o run.jsonl
cp out run.out
for strategy in $strategies; do
    holds "table has a row for $strategy" grep -Eq "^$strategy +[0-9.]+ " run.out
done
holds 'few rounds are called exploratory' grep -q '^! exploratory' run.out
holds 'few rounds give no verdicts' lacks run.out 'faster|slower'
holds 'no variable, nothing to compare it along' lacks run.out '^compare '
holds 'the seed is printed' grep -q 'seed 7$\|seed 7 ' run.out
holds 'no colour codes in a pipe' lacks run.out $'\e'
holds 'file begins with the run' grep -Eq '^\{"t":"run","schema":"rclab/1"' <(head -n 1 run.jsonl)
holds 'file ends complete' grep -Eq '^\{"t":"end","complete":true' <(tail -n 1 run.jsonl)
holds 'one sample per cell and round' count_is $all '^\{"t":"sample"' run.jsonl
holds 'every sample is right' count_is $all '"status":"ok"' run.jsonl
holds 'cell keys name values that are not the default' count_is 2 '^\{"t":"sample","cell":"fib/biased/t1/n=10"' run.jsonl
holds 'peak memory is recorded' count_is $all '"rss_peak_kib":[1-9]' run.jsonl
holds 'nothing leaked' count_is $all '"leaked":0' run.jsonl
expect 'show reads the file' 0 'fib n=10' "$rclab" show run.jsonl
holds 'show prints what run printed' prints_alike
expect 'the same seed' 0 . "$rclab" run "${small[@]}" -t 1 "${brief[@]}" --seed 7 -q -o again.jsonl
holds 'repeats the order' same_order run.jsonl again.jsonl
expect 'another seed' 0 . "$rclab" run "${small[@]}" -t 1 "${brief[@]}" --seed 8 -q -o other.jsonl
holds 'gives another order' other_order run.jsonl other.jsonl
expect 'an existing file is not overwritten' 2 'run.jsonl: the file exists' "$rclab" run "${small[@]}" "${brief[@]}" -o run.jsonl
expect 'unless forced' 0 'samples' "$rclab" run "${small[@]}" -s gil -t 1 "${brief[@]}" -o other.jsonl --force
holds 'and then it is replaced' count_is 2 '^\{"t":"sample"' other.jsonl
expect 'default file is in the state folder' 0 "^samples  $work/state/rclab/rclab-[0-9-]+.jsonl" \
    "$rclab" run "${small[@]}" -s gil -t 1 "${brief[@]}"
expect 'values of -L make cells' 0 'fib n=11' "$rclab" run -W fib -s gil,plain -t 1 -L 'n 10,11' "${brief[@]}" -q
holds 'one table for each' count_is 2 '^STRATEGY' out
expect '-L takes two words' 0 'fib n=12' "$rclab" run -W fib -s gil -t 1 -L n 12 "${brief[@]}" -q
expect 'unsafe strategies are labelled, not ranked, and no failure' 0 '^plain .* wrong answers expected$' \
    "$rclab" run "${small[@]}" -s gil,plain -t 2 -p 2 -w 0.01 --min-time 0.01 --timeout 20
first_cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)
expect 'more threads than CPUs are marked' 0 'oversubscribed' \
    "$rclab" run "${small[@]}" -s gil -t 2 --affinity "$first_cpu" "${brief[@]}" -o crowd.jsonl
holds 'in the file too' grep -q '"oversubscribed":true' crowd.jsonl
expect 'fib is the same engine' 0 'Every thread computes its own fib' "$rclab" fib -n 10 -s gil,biased -t 1 "${brief[@]}"
expect 'statistics give a second table' 0 'COUNTER PER OPERATION' "$rclab" fib -n 10 -s biased -t 1 --stats "${brief[@]}"
expect 'a third for locks, by type' 0 '^list +biased +[0-9.]+ ' "$rclab" run -W list -s biased,plain -t 1 --stats "${brief[@]}"
holds 'which a strategy without locks is not in' lacks out '^list +plain '
holds 'and a fourth for peaks' grep -Eq '^deferred_bytes +[0-9]+ +[0-9]+$' out
map=(env RCLAB_ALLOCATION_MAP="$work/map" "$rclab" run -W list -s biased -t 2 "${brief[@]}")
expect 'only statistics know what lies where' 2 'RCLAB_ALLOCATION_MAP: only the instances of --stats' "${map[@]}"
expect 'they write it down' 0 . "${map[@]}" --stats
holds 'every object' grep -Eq '^block 0x[0-9a-f]+ [0-9]+ list$' map
holds 'with the fields of its head' grep -Eq '^field list 8 8 head\.shared$' map
expect 'CSV' 0 '^fib,"?n=10[^,]*,1,gil,calls,2,0,[0-9]' "$rclab" fib -n 10 -s gil -t 1 --style csv "${brief[@]}"
expect 'Markdown' 0 '^\| gil \| [0-9]' "$rclab" fib -n 10 -s gil -t 1 --style md "${brief[@]}"
expect 'rigorous runs the reference twice' 0 '^gil \(A/A\) ' "$rclab" fib -n 10 -s gil -t 1 --rigorous "${brief[@]}"
expect 'strict and exploratory is inconclusive' 3 'exploratory' "$rclab" fib -n 10 -s gil,biased -t 1 --strict "${brief[@]}"
expect 'a budget that is over stops the run' 124 'budget' "$rclab" run "${small[@]}" -t 1 "${brief[@]}" --budget 1ms -o budget.jsonl
holds 'and its file says so' grep -q '^{"t":"end","complete":false,"stopped":"budget"' budget.jsonl

# --- events: what can be counted differs from machine to machine; task-clock can be everywhere
expect 'events are listed' 0 '^cycles +hardware ' "$rclab" list events
expect 'as JSON, with the source of raw codes' 0 '"source": ' "$rclab" list events --json
expect 'counters tells of each event' 0 '^task-clock +available' "$rclab" counters
holds 'all twelve are there' count_is 12 '^[a-z0-9-]+ +(available|E[A-Z]+)' out
holds 'what is absent has errno, reason and remedy' lacks out '^[a-z0-9-]+ +E[A-Z]+( +[^ ]+){0,3}$'
expect 'a probe shows what was counted' 0 '^task-clock +available +[1-9]' "$rclab" counters --probe
holds 'no event is absent and 0' lacks out '^[a-z-]+ +E[A-Z]+ +0 '
expect 'counters as JSON' 0 '"event": "task-clock"' "$rclab" counters --json
expect 'counters --require of what is there' 0 . "$rclab" counters --require task-clock
expect 'counters --require of no event' 2 "'cyclse' \(did you mean cycles" "$rclab" counters --require cyclse
absent=$("$rclab" counters | awk 'NR > 1 && $2 !~ /^available/ { print $1; exit }')
expect 'a table of events' 0 '^task-clock \(ns\) +[0-9.]+$' "$rclab" run "${small[@]}" -s gil -t 1 "${brief[@]}" -o events.jsonl
holds 'a sample has each event of a thread' grep -Eq '"event":"task-clock","scope":"thread","thread":0,"value":[1-9]' events.jsonl
holds 'with its times and group' grep -Eq '"enabled_ns":[1-9][0-9]*,"running_ns":[1-9][0-9]*,"group":[0-9]' events.jsonl
expect 'every thread counts itself' 0 . "$rclab" run "${small[@]}" -s gil -t 2 -e task-clock "${brief[@]}" -o events2.jsonl
holds 'and no other event' count_is 2 '"counters":\[\{"event":"task-clock"[^]]*"thread":0[^]]*"event":"task-clock"[^]]*"thread":1[^]]*\]' events2.jsonl
holds 'only task-clock' lacks events2.jsonl '"event":"page-faults"'
expect 'counting can be left out' 0 . "$rclab" run "${small[@]}" -s gil -t 1 --no-counters "${brief[@]}" -o none.jsonl
holds 'then the list is empty' count_is 2 '"counters":\[\]' none.jsonl
holds 'and there is no table of events' lacks out '^EVENT '
expect 'required counters that are there' 0 . "$rclab" run "${small[@]}" -s gil -t 1 -e task-clock --require-counters "${brief[@]}"
expect 'no event of this name' 2 "unknown event 'cyclse'" "$rclab" run "${small[@]}" -e cyclse
expect 'counting and not counting' 2 'exclude each other' "$rclab" run "${small[@]}" -e cycles --no-counters
if [ -n "$absent" ]; then # a machine that lacks nothing cannot show these
    expect 'an absent event that is required is exit 77' 77 "$absent: E[A-Z]+, .*remedy: " \
        "$rclab" run "${small[@]}" -e "$absent" --require-counters "${brief[@]}" -o absent.jsonl
    holds 'and nothing was measured' test ! -e absent.jsonl
    expect 'counters --require of it too' 77 "--require $absent" "$rclab" counters --require "$absent"
    holds 'the run names it with its errno' grep -Eq "\"unavailable\":\[\{\"event\":\"$absent\",\"errno\":\"E" events.jsonl
    holds 'it has no value of 0' lacks events.jsonl "\"event\":\"$absent\",\"scope\""
    expect 'and a line under the tables' 0 "^! not counted: .*$absent" "$rclab" show events.jsonl
fi

# --- instruction counts: exact, so two runs agree; one more incref is not hidden
expect 'without valgrind, exit 77 and the package' 77 'package valgrind' env PATH=/nonexistent "$rclab" run "${small[@]}" --count-instructions
expect 'instructions exclude events' 2 'excludes' "$rclab" run "${small[@]}" --count-instructions -e cycles
if command -v valgrind >/dev/null; then
    instructions=(-W fib -L n=10 -s gil -t 1 --count-instructions -q)
    expect 'instructions are counted' 0 '^callgrind-instructions +[1-9]' "$rclab" run "${instructions[@]}" -o instructions1.jsonl
    holds 'and called what they are' grep -q 'instruction counts from callgrind' out
    holds 'no times are shown' lacks out '^STRATEGY'
    expect 'once more' 0 . "$rclab" run "${instructions[@]}" -o instructions2.jsonl
    holds 'within one in a hundred' near_by "$(instructions_of instructions1.jsonl)" "$(instructions_of instructions2.jsonl)"
    expect 'the file remembers what it is' 0 'under callgrind' "$rclab" show instructions1.jsonl
    for format in junit pyperf; do
        expect "$format takes no times that are none" 2 "callgrind.*$format holds times" "$rclab" export instructions1.jsonl --format "$format"
    done
    expect 'CSV labels them and leaves them out' 0 '^fib/gil/t1.*,ok,,,,,[0-9]+,.*,callgrind,' "$rclab" export instructions1.jsonl --format csv
    holds 'with the instructions' grep -Eq ',event:callgrind-instructions,event:callgrind-locked' out
    expect 'JSON labels them too' 0 '"times": "callgrind"' "$rclab" export instructions1.jsonl --format json
    holds 'and has no rates' lacks out '"per_second": [0-9]'
    holds 'no folder is left' test -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'rclab-callgrind-*' -newer run.jsonl -user "$(id -u)")"
fi

"$here/perf-scripts.sh" >perf.out 2>&1
mapfile -t perf_lines <perf.out
for line in "${perf_lines[@]}"; do
    [[ $line = 'ok '* ]]
    verdict "${line#*  }" $? perf.out
done
holds 'the perf scripts were checked' count_is 24 '^ok ' perf.out

# --- mistakes of the user
expect 'no command' 2 'which command' "$rclab"
expect 'unknown command' 2 'did you mean run' "$rclab" rnu
expect 'unknown option' 2 'bogus' "$rclab" run --bogus
expect 'unknown strategy' 2 "'biassed' \(did you mean biased" "$rclab" run -s biassed
expect 'unknown workload' 2 "'fibb' \(did you mean fib" "$rclab" run -W fibb
expect 'unknown parameter' 2 "'shraed' \(did you mean shared" "$rclab" run -W fib -L shraed=counted
expect 'value that is no choice' 2 'shared=maybe: allowed is counted\|immortal' "$rclab" run -W fib -L shared=maybe
expect 'an old extension behind its lock loses nothing' 0 'lost=0' "$rclab" run -W extension -s gil -t 2 "${brief[@]}" -L modules=lock
expect 'one without a lock is a demonstration: labelled' 0 '^biased .* –  .* wrong answers expected$' \
    "$rclab" run -W extension -s biased,gil -t 2 "${brief[@]}" -L modules=lock,off -q -o demonstration.jsonl
holds 'under a GIL it is none, and with the lock neither' count_is 1 'wrong answers expected$' out
holds 'the samples say so' count_is 2 '"cell":"extension/biased/t2/modules=off".*"demonstration":true' demonstration.jsonl
holds 'the others do not' count_is 6 '"demonstration":false' demonstration.jsonl
expect 'comparing gives it no ratio' 0 '^off +extension/biased/t2/modules=off .* –  .* wrong answers expected$' \
    "$rclab" compare --along=modules demonstration.jsonl
expect 'it is no reference either' 0 '^lock +extension/biased/t2 .* –  .* wrong answers expected$' \
    "$rclab" compare --along=modules --reference=off demonstration.jsonl
expect 'nor in a gate' 0 '^gate  throughput:-99%: 0 passed, 0 failed, 1 undecided$' \
    "$rclab" compare --along=modules demonstration.jsonl --force-verdicts --fail-if throughput:-99%
expect 'a race under threads is one, unless a GIL is its grace' 0 '^biased .* wrong answers expected$' \
    "$rclab" run -W counter -s biased,gil -t 2 "${brief[@]}" -L kind=racy,locked -q
holds 'which the label tells' count_is 1 'wrong answers expected$' out
expect 'what guards an old extension' 2 'modules=no: allowed is lock\|gil\|off' "$rclab" run -W extension -L modules=no
expect 'borrowed references under each policy' 0 'borrowed=deferred' "$rclab" run -W borrowed -s biased -t 2 "${brief[@]}" \
    -L getter=borrowed,new -L borrowed=raw,deferred -L sharing=shared
expect 'what a borrowed reference rests on' 2 'borrowed=no: allowed is auto\|raw\|deferred' "$rclab" run -W borrowed -L borrowed=no
expect 'a cache whose values die and come back' 0 'alive(=|≈)[1-9]' "$rclab" run -W cache -s biased -t 2 "${brief[@]}" -L keys=4,64 -L hold=1,8
expect 'weak references, made, upgraded, dead' 0 'op=dead' "$rclab" run -W weak -s biased -t 2 "${brief[@]}" -L op=make,upgrade,dead
if "$rclab" list params | grep -q '|mimalloc '; then
    expect 'mimalloc where the build has it' 0 'freelist=mimalloc' "$rclab" run -W alloc -s gil -t 1 "${brief[@]}" -L freelist=mimalloc
else
    expect 'mimalloc where the build lacks it' 2 'freelist=mimalloc: allowed is malloc\|locked\|thread\|\(mimalloc: .*libmimalloc-dev' \
        "$rclab" run -W alloc -L freelist=mimalloc
fi
expect 'value out of range' 2 'n=-1: allowed is' "$rclab" run -W fib -L n=-1
expect 'value that is no number' 2 'n=1x: allowed is' "$rclab" run -W fib -L n=1x
expect 'parameter without a value' 2 'allowed is VAR=VALUE' "$rclab" run -L n
expect 'an option is no value' 2 "^rclab: -L gc: its values are missing before -p: allowed is VAR=VALUE" "$rclab" run -W graph -L gc -p 1
expect 'an argument that no command takes is named: run' 2 "^rclab: rclab run: 'foo' is not an option" "$rclab" run foo
expect 'soak' 2 "^rclab: rclab soak: 'foo' is not an option" "$rclab" soak foo
expect 'counters' 2 "^rclab: rclab counters: 'foo' is not an option" "$rclab" counters foo
expect 'no threads' 2 '-t 0: allowed is a whole number from 1 to 256' "$rclab" run -t 0
expect 'too many threads' 2 '-t 999: allowed' "$rclab" run -t 999
expect 'threads that are no number' 2 '-t two: allowed' "$rclab" run -t two
expect 'no rounds' 2 '-p 0: allowed' "$rclab" run -p 0
expect 'time that is none' 2 '-w soon: allowed is a time' "$rclab" run -w soon
expect 'timeout below the measured time' 2 'must exceed' "$rclab" run --timeout 0.1
expect 'unknown placement' 2 'core, smt or none' "$rclab" run --place moon
expect 'CPU that is not there' 2 'allowed is a list of CPUs' "$rclab" run --affinity 9999
expect 'unknown style' 2 'table, csv or md' "$rclab" run --style html
expect 'reference that does not run' 2 'not among the strategies' "$rclab" run -s gil --reference plain
expect 'unwritable output' 2 '/nonexistent/x: No such file' "$rclab" run "${small[@]}" "${brief[@]}" -o /nonexistent/x
expect 'input that is not there' 2 'input=/nonexistent' "$rclab" run -W wordcount --input /nonexistent

# --- show and damaged files
head -c -40 run.jsonl >cut.jsonl
expect 'a cut last line is a warning' 0 "cut.jsonl:$((all + 2)): warning: the last line is cut off" "$rclab" show cut.jsonl
holds 'and the rest is shown' grep -q '^gil ' out
echo 'root:x:0:0' >foreign
expect 'a foreign file' 2 'foreign:1: not a JSON object' "$rclab" show foreign
echo '{"name":"x"}' >foreign.json
expect 'a foreign JSON file' 2 'foreign.json:1: not a file of rclab' "$rclab" show foreign.json
sed '4s/^/x/' run.jsonl >bad.jsonl
expect 'a damaged line is named' 2 'bad.jsonl:4: not a JSON object' "$rclab" show bad.jsonl
holds 'and no half table is printed' lacks out '^STRATEGY'
sed '5s/"wall_ns":[0-9]*/"wall_ns":0/' run.jsonl >zero.jsonl
expect 'impossible figures are named' 2 'zero.jsonl:5: .*impossible' "$rclab" show zero.jsonl
sed '6s/"cell":"/"cell":"x/' run.jsonl >stray.jsonl
expect 'a cell out of plan is named' 2 'stray.jsonl:6: .*plan' "$rclab" show stray.jsonl
expect 'an empty file' 2 'the file is empty' "$rclab" show /dev/null
expect 'a file that is not there' 2 'nowhere: No such file' "$rclab" show nowhere
expect 'show of nothing' 2 'name a file' "$rclab" show
cat run.jsonl again.jsonl >both.jsonl
expect 'two runs in one file' 0 'STRATEGY' "$rclab" show both.jsonl
holds 'give two tables' count_is 2 '^STRATEGY' out

# shellcheck source=tests/driver/files.sh
. "$here/files.sh"

# --- the types against what they replace: every contender that this build has gives right answers, with waiting and alone
while read -r workload values; do
    expect "$workload of=$values" 0 "^$workload of=${values##*,} " "$rclab" run -W "$workload" -s "${words[0]}" -t 1,3 -L of="$values" "${brief[@]}"
done < <("$rclab" list params | awk '$2 == "of" { gsub(/[|][(].*/, "", $3); gsub(/[|]/, ",", $3); print $1, $3 }')
if "$rclab" list params | grep -q '^maps .*(ck:'; then
    expect 'a contender that this build lacks' 2 'ck: not in this build, it needs libck-dev' "$rclab" run -W maps -s "${words[0]}" -L of=ck
else
    expect 'maps: keys come and go' 0 'facts' "$rclab" run -W maps -s "${words[0]}" -t 2 -L of=concurrent,locked,lfht,ck \
        -L keys=64 -L stride=17 -L sets=0 -L defaults=300 -L pops=300 "${brief[@]}"
fi

# --- fastfib: the check values of ft_utils' example (n, size, hits, misses, bases, rate, checksum)
fastfib() {
    "$rclab" fastfib --nth_element "$1" --run_size "$2" --workers 1 --offsets splitmix
}
while read -r n size hits misses bases rate sum; do
    expect "fastfib $n/$size: rate" 0 "^Cache rate: +$rate$" fastfib "$n" "$size"
    holds "fastfib $n/$size: checksum" grep -Eq "^Checksum: +$sum$" out
    holds "fastfib $n/$size: counts" grep -Eq "tasks $size, hits $hits, misses $misses, bases $bases," out
    holds "fastfib $n/$size: law" grep -Eq '^Law: .* holds$' out
done <<'VALUES'
100 10 9 24 1 0.375000 35c9565cd0d7a2e4
1000 1000 998 1845 2 0.540921 c481c9cda36c5bfc
10000 1000 999 2334 1 0.428021 61907b80e321751c
10000 10000 9998 18469 2 0.541340 0aa17fbd27dcc5f9
VALUES
expect 'fastfib with threads keeps the checksum' 0 '^Checksum: +c481c9cda36c5bfc$' \
    "$rclab" fastfib --nth_element 1000 --run_size 1000 --workers 4 --offsets splitmix
holds 'and the law' grep -Eq '^Law: .* holds$' out
expect 'fastfib with processes keeps the checksum' 0 '^Checksum: +c481c9cda36c5bfc$' \
    "$rclab" fastfib --nth_element 1000 --run_size 1000 --workers 3 --mode processes --offsets splitmix
holds 'and prints no cache rate' lacks out 'Cache rate'
for strategy in $strategies; do
    for mode in threads fast_threads; do
        expect "fastfib $mode on $strategy: rate" 0 '^Cache rate: +0.540921$' \
            "$rclab" fastfib --nth_element 1000 --run_size 1000 --workers 1 --mode "$mode" -s "$strategy" --offsets splitmix
        holds "fastfib $mode on $strategy: checksum" grep -Eq '^Checksum: +c481c9cda36c5bfc$' out
        holds "fastfib $mode on $strategy: counts" grep -Eq 'tasks 1000, hits 998, misses 1845, bases 2, memo 1845' out
        [ "$strategy" = plain ] && continue # one thread is all it may have
        expect "fastfib $mode on $strategy with threads" 0 '^Checksum: +c481c9cda36c5bfc$' \
            "$rclab" fastfib --nth_element 1000 --run_size 1000 --workers 4 --mode "$mode" -s "$strategy" --offsets splitmix
        holds "fastfib $mode on $strategy with threads: law" grep -Eq '^Law: .* holds$' out
    done
done
holds 'fastfib says its mode' grep -Eq '^Mode: +fast_threads' out
expect 'fastfib needs its size' 2 'run_size is required' "$rclab" fastfib --nth_element 10
expect 'fastfib refuses an unknown mode' 2 'threads, fast_threads or processes' "$rclab" fastfib --nth_element 1 --run_size 1 --mode x

# --- consistent: under the interval lock every strategy gives the reference, to the last bit (0x1.6bf65f96445edp+16)
expect 'consistent on every strategy' 0 '^consistent' \
    "$rclab" run -W consistent "${brief[@]}" -t 10 -L kind=locked -L loads=20 -s "$(sed 's/ plain//; s/ /,/g' <<<"$strategies")" -o consistent.jsonl
holds 'and every sample is right' lacks consistent.jsonl '"status":"(wrong|crash|hang|error)'
holds 'and the value is the published one' \
    count_is $((2 * (${#words[@]} - 1))) '"result_bits": ?4681139307394909677,' consistent.jsonl

# --- latency: of real requests only what does not depend on time; figures come from faulty_runtime.c
timed=(-W dict -t 2 -p 2 -w 0.001 --min-time 0.005)
expect 'service time of every strategy' 0 '^dict .* 2 threads · service time \(closed loop\) of a request: 1 repetition, 1024 ops$' \
    "$rclab" run "${timed[@]}" --latency closed -o closed.jsonl
cp out run.out
for strategy in $strategies; do
    holds "a row of latencies for $strategy" grep -Eq "^$strategy +[1-9][0-9]* .*(ns|µs|ms)" run.out
done
holds 'no rates are shown' lacks run.out 'NS/OP'
expect 'show prints what run printed' 0 'service time' "$rclab" show closed.jsonl
holds 'the same table' prints_alike
holds 'the mode is in the cell' count_is $all '^\{"t":"sample","cell":"dict/[a-z]+/t2/latency=closed"' closed.jsonl
holds 'every sample has its histogram' count_is $all '"hist":\{"mode":"closed","rate":null,"request":1,"unit":"ns","events":[1-9]' closed.jsonl
holds 'nothing leaked and every answer is right' count_is $all '"status":"ok".*"leaked":0' closed.jsonl
expect 'latency from the intended start' 0 'latency from the intended start \(fixed rate 2000/s a thread\) of a request: 3 repetitions, 3072 ops$' \
    "$rclab" run "${timed[@]}" --latency fixed --rate 2k --request 3 -o fixed.jsonl
holds 'ten requests of each thread are accounted for' count_is $all '"request":3,"unit":"ns","events":(20,.*"unserved":0,|1?[0-9],.*"unserved":[1-9])' fixed.jsonl
holds 'rate and size are in the cell' count_is $all '"cell":"dict/[a-z]+/t2/latency=fixed,rate=2000,request=3","round"' fixed.jsonl
expect 'workloads that are done together are left out' 0 'leaves out counter: all threads begin' \
    "$rclab" run -s plain -t 1 -p 1 -w 0 --min-time 0.001 --latency closed -L n=10
holds 'the others are there' test "$(grep -c 'service time' out)" -ge 4
expect 'unless somebody asks for them' 2 'workload counter cannot be timed request by request: all threads begin' \
    "$rclab" run -W counter --latency closed
expect 'a value can be the reason' 2 'workload pair with kind=ring cannot be timed' "$rclab" run -W pair -L kind=private,ring --latency closed

paced=(-W fib -t 1 -s "sound,twin" -w 0 --min-time 0.001)
expect 'percentiles over the rounds' 0 '^sound +10000 +1\.00 µs +1\.00 µs +1\.00 µs +50\.0 µs +50\.0 µs$' \
    "$faulty" run "${paced[@]}" -p 2 --latency closed -o paced.jsonl
holds 'each includes the clock, and that is told' grep -Eq '^! each figure includes one reading of the clock, about [0-9]+ ns' out
holds 'no verdicts' lacks out 'faster|slower|inconclusive'
expect 'no P99.9 below 10,000 events' 0 '^sound +5000 +1\.00 µs +1\.00 µs +1\.00 µs +– +50\.0 µs$' \
    "$faulty" run "${paced[@]}" -p 1 --latency closed
holds 'and why' grep -q '^! no P99.9 below 10,000 events: sound 5000, twin 5000' out
expect 'a rate that was kept' 0 '^sound +10000 .* 50\.0 µs +1000/s +0$' "$faulty" run "${paced[@]}" -p 2 --latency fixed --rate 1k -o rate1.jsonl
holds 'needs no note' lacks out 'not kept'
expect 'a rate that was not' 0 '^! sound: the rate was not kept in 2 of 2 samples: 10000/s of 20000/s .* backlog of up to 100 ' \
    "$faulty" run "${paced[@]}" -p 2 --latency fixed --rate 20k -o rate2.jsonl
holds 'stands in its row' grep -Eq '^sound .* 10000/s +100$' out
holds 'requests that never began are told' grep -q '^! sound: 14 requests were due and never begun' out
holds 'and waits that ended late' grep -q '^! sound: 14 waits ended more than 10 µs late, up to 2.00 ms' out
expect 'a failed strategy has a row' 4 '^faulty-wrong +0 .* wrong result 2/2$' "$faulty" run "${paced[@]}" -s faulty-wrong -p 2 --latency closed
expect 'CSV of latencies' 0 '^fib,n=20 shared=counted,1,sound,fixed,1000,1,2,0,10000,1003,1003,1003,50000,,50000,1000,0,0,$' \
    "$faulty" show rate1.jsonl --style csv
expect 'Markdown of latencies' 0 '^\| sound \| 10000 \| 1.00 µs' "$faulty" show paced.jsonl --style md
expect 'export has the percentiles of a sample' 0 '^"?fib/sound/t1/latency=closed.*,closed,,1,5000,1003,1003,1003,,,50000,,,,42.?$' \
    "$faulty" export paced.jsonl --format csv
expect 'export has the histograms' 0 '"mode": "closed"' "$faulty" export paced.jsonl --format json
expect 'no throughput for pyperf' 2 'paced.jsonl is a latency run' "$faulty" export paced.jsonl --format pyperf
expect 'JUnit gives no verdict' 0 'latency run: not judged' "$faulty" export paced.jsonl --format junit
expect 'latencies are not compared' 2 'paced.jsonl holds service time \(closed loop\): throughput alone' "$faulty" compare paced.jsonl
expect 'least of all with another mode' 2 'paced.jsonl holds service time .*, rate1.jsonl holds latency from the intended start' \
    "$faulty" compare paced.jsonl rate1.jsonl
expect 'nor with another rate' 2 'rate1.jsonl holds .*1000/s.*, rate2.jsonl holds .*20000/s' "$faulty" compare rate1.jsonl rate2.jsonl
expect 'another rate is another plan' 2 'another plan, latency: .*"rate": ?1000.*"rate": ?2000' \
    "$faulty" run "${paced[@]}" -p 2 --latency fixed --rate 2k --append -o rate1.jsonl
expect 'and throughput is another plan too' 2 'another plan, latency: .* and null' "$faulty" run "${paced[@]}" -p 2 --append -o rate1.jsonl
expect 'more rounds of the same are merged' 0 '^sound +20000 ' "$faulty" run "${paced[@]}" -p 2 --latency fixed --rate 1k --append -o rate1.jsonl
sed '3s/"mode":"fixed","rate":20000/"mode":"fixed","rate":30000/' rate2.jsonl >foreign.jsonl
expect 'a sample of another rate is refused' 2 'foreign.jsonl:3: a sample of another latency mode or rate' "$faulty" show foreign.jsonl
sed '1s/"mode":"fixed"/"mode":"open"/' rate2.jsonl >mode.jsonl
expect 'a mode that is none is damage' 2 'mode.jsonl:1: a damaged run record' "$faulty" show mode.jsonl
expect 'a mode that is none' 2 '^rclab: --latency open: allowed is closed .* or fixed' "$rclab" run --latency open
for bad in 0 -1 1.5 2M 1e3 0x10 fast 2k/m; do
    expect "rate $bad is refused" 2 "^rclab: --rate $bad: allowed is a whole number of requests" "$rclab" run --latency fixed --rate "$bad"
done
expect 'a fixed rate needs one' 2 '--latency fixed: give --rate' "$rclab" run --latency fixed
expect 'a closed loop has none' 2 '--rate: a closed loop has none' "$rclab" run --latency closed --rate 5
expect 'a rate without a mode' 2 '--rate: it goes with --latency' "$rclab" run --rate 5
expect 'a request without a mode' 2 '--request: it goes with --latency' "$rclab" run --request 5
expect 'a request of nothing' 2 '--request 0: allowed is a whole number from 1' "$rclab" run --latency closed --request 0
expect 'latency and verdicts' 2 '--latency excludes --strict' "$rclab" run --latency closed --strict
expect 'no workload is left' 2 'workload march cannot be timed request by request: they march in step' "$faulty" run -W march --latency closed

# --- workers that fail
fib=(-W fib -t 1)
expect 'a crash is named, exit 4' 4 '^faulty-crash .* crashed SIGSEGV 2/2$' \
    "$faulty" run "${fib[@]}" -s sound,faulty-crash "${brief[@]}" -o crash.jsonl
holds 'the others go on' grep -Eq '^sound +1.000 ' out
holds 'the signal is in the file' count_is 2 '"status":"crash","signal":"SIGSEGV"' crash.jsonl
holds 'and its last words' count_is 2 '"stderr":"last words' crash.jsonl
expect 'an exit status is named, exit 4' 4 '^faulty-exit .* failed exit 3 2/2$' "$faulty" run "${fib[@]}" -s faulty-exit "${brief[@]}"
expect 'an error of run() is told, exit 4' 4 'out of faults' "$faulty" run "${fib[@]}" -s faulty-error "${brief[@]}"
expect 'a wrong answer, exit 4' 4 '^faulty-wrong .* wrong result 2/2$' \
    "$faulty" run "${fib[@]}" -s sound,faulty-wrong "${brief[@]}" -o wrong.jsonl
holds 'why it is wrong' grep -q 'the sum was 41' out
holds 'a wrong answer is no figure' grep -Eq '^faulty-wrong +– ' out
holds 'status in the file' count_is 2 '"status":"wrong_result"' wrong.jsonl
expect 'a leak, exit 4' 4 'leaked 7 objects' "$faulty" run "${fib[@]}" -s sound,faulty-leak "${brief[@]}"
expect 'a hang, exit 4' 4 '^faulty-hang .* timeout 2/2$' \
    "$faulty" run "${fib[@]}" -s sound,faulty-hang -p 3 -w 0.01 --min-time 0.01 --timeout 3 -o hang.jsonl
holds 'after two hangs the cell is skipped' count_is 1 '"status":"skipped"' hang.jsonl
holds 'and the others still go on' count_is 3 '"status":"ok"' hang.jsonl
expect 'wrong answers of an unsafe strategy are no failure' 0 '^faulty-unsafe .* wrong answers expected$' \
    "$faulty" run -W fib -t 2 -s sound,faulty-unsafe "${brief[@]}"
expect 'unsafe on one thread is compared' 0 '^faulty-unsafe +1.000 .*1.00× ' \
    "$faulty" run "${fib[@]}" -s sound,faulty-unsafe "${brief[@]}"
expect 'wrong by design is no failure' 0 '^sound .* wrong answers expected$' "$faulty" run -W race -t 1,2 -s sound "${brief[@]}" -o race.jsonl
expect 'and there is nothing to compare' 2 'race.jsonl has no cell that can be compared with 1: wrong answers are expected' \
    "$faulty" compare --along=threads race.jsonl
expect 'equal ones are inconclusive, never the same' 0 '^faulty-unsafe .* inconclusive$' \
    "$faulty" run "${fib[@]}" -s sound,faulty-unsafe -p 6 -w 0 --min-time 0.001 --force-verdicts
expect 'strict makes that exit 3' 3 'inconclusive' \
    "$faulty" run "${fib[@]}" -s sound,faulty-unsafe -p 6 -w 0 --min-time 0.001 --force-verdicts --strict
expect 'a failure outranks strict' 4 . "$faulty" run "${fib[@]}" -s sound,faulty-wrong "${brief[@]}" --strict
expect 'scaling is against one thread' 0 '^sound .* 2\.00× ' "$faulty" run -W fib -t 1,2 -s sound "${brief[@]}"
expect 'counters are per operation' 0 '^incref +2$' "$faulty" run "${fib[@]}" -s sound --stats "${brief[@]}" -o stats.jsonl
holds 'locks are apart from counts, with their types' count_is 2 \
    '"locks":\{"lock_acquired":[0-9]+,"list":\{"acquired":[0-9]+,"wait_longest_ns":[0-9]+\}\},"refcounts":\{"incref"' stats.jsonl
highest=$(sed -nE 's/.*"deferred_bytes":([0-9]+).*/\1/p' stats.jsonl | sort -n | tail -n 1)
holds 'locks by type are per operation, but the longest wait is the highest' grep -Eq "^list +sound +0\.25 +– +– +– +– +$highest\$" out
holds 'a peak is the highest of all samples' grep -Eq "^deferred_bytes +$highest\$" out
expect 'and the file says the same' 0 "^deferred_bytes +$highest\$" "$faulty" show stats.jsonl
expect 'CSV has the counters too' 0 ',times,latency,.*,estimated,.*refcounts:incref,locks:lock_acquired,locks:list:acquired,locks:list:wait_longest_ns,peaks:deferred_bytes,' \
    "$faulty" export stats.jsonl --format csv
holds 'in each line' count_is 2 ",real,[^,]*,.*[0-9]+,[0-9]+,[0-9]+,$(head -c 2 <<<"$highest")[0-9]*,[0-9]+,42" out
expect 'facts are shown' 0 '^facts  answer=42$' "$faulty" run "${fib[@]}" -s sound "${brief[@]}"

# --- line hops (rule 5a): two pinned CPUs have one, one thread or an unpinned pair has none
hop_pattern='"hop_ns":\[[0-9.]+,[0-9.]+\]'
expect 'one thread has no line hop' 0 . "$faulty" run "${fib[@]}" -s sound "${brief[@]}" -o one.jsonl
holds 'and its file says null' count_is 2 '"hop_ns":\[null,null\]' one.jsonl
holds 'and its table nothing' lacks out '^hops '
expect 'threads that are not pinned are not probed' 0 '^hops   unprobed 2 of 2 samples' \
    "$faulty" run -W fib -t 2 -s sound --place none "${brief[@]}"
if [ "$(nproc)" -gt 1 ]; then
    expect 'two pinned threads have a line hop' 0 '^hops   .*(near|far|flipped) ' \
        "$faulty" run -W fib -t 2 -s sound,twin --seed 1 -p 6 -w 0 --min-time 0.001 -o hops.jsonl
    holds 'before and after each sample' count_is 12 "$hop_pattern" hops.jsonl
    sed -E "s/$hop_pattern/\"hop_ns\":[30,40]/" hops.jsonl >near.jsonl
    expect 'samples of one regime are all compared' 0 '^hops   near 12 of 12 samples' "$faulty" show near.jsonl
    holds 'and none is dropped' lacks out 'dropped'
    sed -E "/\"cell\":\"fib.sound.*\"round\":[01],/s/\"hop_ns\":\[30,40/\"hop_ns\":[30,160/" near.jsonl >flipped.jsonl
    expect 'a flipped sample is told' 0 '^hops   near 10, flipped 2 of 12' "$faulty" show flipped.jsonl
    holds 'and its pairs are dropped' grep -q '^! 2 of 6 pairs dropped' out
    sed -E "3s/$hop_pattern/\"hop_ns\":[30,-4]/" hops.jsonl >minus.jsonl
    expect 'a hop below zero is impossible' 2 'minus.jsonl:3: .*impossible' "$faulty" show minus.jsonl
fi

# --- going on: --resume, --append, --shard, merge, the locks
sound=(-W fib -t 1 -s "sound,twin" -w 0 --min-time 0.001)
samples_of() { # FILE: cell, round and slot of every sample, in the order of the file
    sed -n 's/^{"t":"sample","cell":"\([^"]*\)","round":\([0-9]*\),"slot":\([0-9]*\),.*/\1 \2 \3/p' "$1"
}
same_samples() {
    [ -n "$(samples_of "$1")" ] && diff <(samples_of "$1") <(samples_of "$2")
}
unchanged() { # FILE COPY
    [ -s "$1" ] && cmp "$1" "$2"
}
expect 'a whole run, to compare with' 0 . "$faulty" run "${sound[@]}" -p 6 --seed 5 -o whole.jsonl
head -n 6 whole.jsonl >part.jsonl
sed -n 7p whole.jsonl | head -c 100 >>part.jsonl
expect 'a cut file is gone on with' 0 'warning: the last line is cut off' "$faulty" run --resume part.jsonl
holds 'it takes what is missing, in the same order' same_samples whole.jsonl part.jsonl
holds 'every line is whole' count_is 15 '^[{].*[}]$' part.jsonl
holds 'the end is there' grep -q '^{"t":"end","complete":true' part.jsonl
holds 'where it went on is in the file' count_is 1 '^{"t":"resume","mode":"resume"' part.jsonl
cp part.jsonl kept.jsonl
expect 'a complete file lacks nothing' 0 'nothing is missing' "$faulty" run --resume part.jsonl
holds 'and stays as it is' unchanged part.jsonl kept.jsonl
expect 'show reads a file that was gone on with' 0 '^twin ' "$faulty" show part.jsonl
sed '3d;$d' whole.jsonl | head -c -1 >hole.jsonl
expect 'a hole in the middle is filled' 0 . "$faulty" run --resume hole.jsonl -q
holds 'no sample is lost or doubled' test "$(samples_of hole.jsonl | sort)" = "$(samples_of whole.jsonl | sort)"
head -c 300 whole.jsonl >stump.jsonl
cp stump.jsonl kept.jsonl
expect 'a cut run record cannot be gone on with' 2 'stump.jsonl: it is left as it was' "$faulty" run --resume stump.jsonl
holds 'and stays' unchanged stump.jsonl kept.jsonl
printf '%s\n%s' "$(head -n 3 whole.jsonl)" 'root:x:0:0' | sed '2s/^/x/' >mixed
cp mixed kept
expect 'a foreign file is not touched' 2 'mixed:2: not a JSON object' "$faulty" run --resume mixed
holds 'not even its last line' unchanged mixed kept
expect 'a file that is not there' 2 'nowhere: No such file' "$faulty" run --resume nowhere
expect 'a folder is no file' 2 'rclab: \.: ' "$faulty" run --resume .
expect 'resume takes its plan from the file' 2 'leave out --strategies' "$faulty" run --resume part.jsonl -s sound
expect 'and its workloads' 2 'leave out --workloads' "$faulty" run --resume part.jsonl -W fib
sed '1s/"seed":5/"seed":6/;5,$d' whole.jsonl >seed.jsonl
expect 'the seed is the record'"'"'s' 0 'seed 6$' "$faulty" run --resume seed.jsonl
sed '1s/"kernel":"/"kernel":"x/;5,$d' whole.jsonl >kernel.jsonl
expect 'another host is named' 2 'another host, kernel: "x.*left as it was' "$faulty" run --resume kernel.jsonl
sed '1s/"git":"[^"]*"/"git":"0123"/;5,$d' whole.jsonl >build.jsonl
expect 'another build is named' 2 'another build, git: "0123" and ' "$faulty" run --resume build.jsonl
sed '1s/"unit":"calls"/"unit":"cows"/;5,$d' whole.jsonl >plan.jsonl
expect 'another plan is named' 2 'another plan, cell fib/sound/t1: unit: "cows" and "calls"' "$faulty" run --resume plan.jsonl
cp whole.jsonl more.jsonl
expect 'append takes further rounds' 0 'plan  2 cells × 8 rounds' "$faulty" run "${sound[@]}" -p 2 --append -o more.jsonl
holds 'and only those' count_is 16 '^{"t":"sample"' more.jsonl
holds 'what was there stays' unchanged whole.jsonl <(head -n 14 more.jsonl)
expect 'the appended rounds are those of a longer run' 0 . "$faulty" run "${sound[@]}" -p 8 --seed 5 -q -o long.jsonl
holds 'in the same order' same_samples long.jsonl more.jsonl
cp whole.jsonl kept.jsonl
expect 'append refuses another plan' 2 'another plan, min_ns: 1000000 and 2000000' \
    "$faulty" run "${sound[@]}" --min-time 0.002 -p 2 --append -o whole.jsonl
expect 'append refuses another seed' 2 'another plan, seed: 5 and 9' "$faulty" run "${sound[@]}" --seed 9 --append -o whole.jsonl
expect 'append refuses further cells' 2 'cell fib/faulty-leak/t1: in the second one only' \
    "$faulty" run "${sound[@]}" -s faulty-leak --append -o whole.jsonl
holds 'none of them touches the file' unchanged whole.jsonl kept.jsonl
expect 'append needs its file' 2 'nowhere: No such file' "$faulty" run "${sound[@]}" --append -o nowhere
for shard in 1 2 3; do
    expect "shard $shard of 3" 0 "shard $shard/3" "$faulty" run "${sound[@]}" -p 6 --seed 5 --shard $shard/3 -o shard$shard.jsonl
    holds "shard $shard has its part" count_is 4 '^{"t":"sample"' shard$shard.jsonl
done
expect 'the shards are merged' 0 '3 files, 6 rounds, 2 cells' "$faulty" merge shard3.jsonl shard1.jsonl shard2.jsonl -o merged.jsonl
holds 'into what one run would have been' same_samples whole.jsonl merged.jsonl
holds 'complete' grep -q '^{"t":"end","complete":true' merged.jsonl
plan_hash() {
    sed -n '1s/.*"plan_hash":"\([0-9a-f]\{16\}\)".*/\1/p' "$1"
}
holds 'shards have the hash of the whole plan' test "$(plan_hash shard1.jsonl)" = "$(plan_hash whole.jsonl)"
holds 'another seed has another hash' test "$(plan_hash shard1.jsonl)" != "$(plan_hash again.jsonl)"
holds 'and there is one' test -n "$(plan_hash again.jsonl)"
expect 'a merged file can be shown' 0 '^twin ' "$faulty" show merged.jsonl
expect 'merging two of three warns' 0 'lacks 4 samples' "$faulty" merge shard1.jsonl shard2.jsonl -o two.jsonl
expect 'and what is missing can be taken' 0 . "$faulty" run --resume two.jsonl -q
holds 'all of it' test "$(samples_of two.jsonl | sort)" = "$(samples_of whole.jsonl | sort)"
expect 'merge refuses duplicates' 2 'shard1.jsonl and copy.jsonl both have round 0 of fib/' \
    sh -c "cp shard1.jsonl copy.jsonl; '$faulty' merge shard1.jsonl copy.jsonl -o dup.jsonl"
holds 'and makes no file' test ! -e dup.jsonl
expect 'merge refuses an existing file' 2 'merged.jsonl: the file exists' "$faulty" merge shard1.jsonl -o merged.jsonl
expect 'merge refuses another seed' 2 'another plan, seed: 5 and 6' "$faulty" merge shard1.jsonl seed.jsonl -o x.jsonl
sed '1s/"host":{"name":"/"host":{"name":"x/' shard2.jsonl >elsewhere.jsonl
expect 'merge refuses two hosts' 2 'another host, name: ' "$faulty" merge shard1.jsonl elsewhere.jsonl -o x.jsonl
expect 'unless forced' 0 '2 files' "$faulty" merge shard1.jsonl elsewhere.jsonl --force -o x.jsonl
holds 'and the file names both' grep -Eq '"merged":.*"name":"x' x.jsonl
expect 'and its table says so' 0 'merged from several hosts' "$faulty" show x.jsonl
expect 'merge refuses a damaged file' 2 'bad.jsonl:4: not a JSON object' "$faulty" merge shard1.jsonl bad.jsonl -o y.jsonl
expect 'merge needs OUT' 2 'with -o OUT' "$faulty" merge shard1.jsonl
for bad in 0/3 4/3 1 x/3 1/0 1/x /; do
    expect "shard $bad is refused" 2 '^rclab: --shard.*allowed is' "$faulty" run "${sound[@]}" --shard "$bad"
done
expect 'an empty shard is refused' 2 'would be empty' "$faulty" run "${sound[@]}" -p 2 --shard 3/4
expect 'shards without a seed agree' 0 'seed 1 · shard 2/2' "$faulty" run "${sound[@]}" -p 2 --shard 2/2
sed '3p' whole.jsonl >twice.jsonl
expect 'a sample twice in one file is named' 2 'twice.jsonl:4: a second sample' "$faulty" show twice.jsonl
sed '3s/"round":[0-9]*/"round":99/' whole.jsonl >late.jsonl
expect 'a round out of plan is named' 2 'late.jsonl:3: .*round' "$faulty" show late.jsonl
expect 'an output that is full is named' 2 '/dev/full: No space' "$faulty" run "${sound[@]}" -p 2 -o /dev/full

mkfifo hold
flock lock -c 'echo 4711 >lock; : >holding; cat hold >/dev/null' &
holder=$!
for _ in $(seq 600); do
    [ -e holding ] && break
    sleep 0.05
done
expect 'two measurements at once are refused' 2 'another measurement runs on this machine \(process 4711 holds .*lock' \
    "$faulty" run "${sound[@]}" -p 2 -o locked.jsonl
holds 'before a file is made' test ! -e locked.jsonl
expect 'unless asked for' 0 'samples' "$faulty" run "${sound[@]}" -p 2 --no-lock -o locked.jsonl
: >hold
wait "$holder"
expect 'the lock ends with its holder' 0 'samples' "$faulty" run "${sound[@]}" -p 2 -o unlocked.jsonl
RCLAB_LOCK=$work/nowhere/lock expect 'a lock that cannot be had is a warning' 0 'warning: .*not locked' "$faulty" run "${sound[@]}" -p 2
flock whole.jsonl -c "'$faulty' run --resume whole.jsonl" >out 2>&1
holds 'a file that is being written is not written twice' grep -q 'another rclab is writing it' out

# --- interrupted while a worker hangs
"$faulty" run "${fib[@]}" -s faulty-hang -o interrupted.jsonl >out 2>&1 </dev/null &
driver=$!
for _ in $(seq 600); do
    pgrep -P "$driver" >/dev/null && [ -s interrupted.jsonl ] && break
    sleep 0.05
done
hung=$(pgrep -f "$worker_pattern" -P "$driver")
kill -INT "$driver"
wait "$driver"
interrupted=$?
holds 'an interrupt gives exit 130' test "$interrupted" -eq 130
holds 'the file says that it is partial' grep -q '^{"t":"end","complete":false,"stopped":"interrupted"' interrupted.jsonl
holds 'a worker was there' test -n "$hung"
holds 'and is gone' test ! -e "/proc/${hung:-self}"
expect 'the partial file can be shown' 0 'not measured' "$faulty" show interrupted.jsonl

# --- interrupted between good samples, and gone on with
"$faulty" run -W fib -t 1 -s "sound,twin" -w 0 --min-time 0.1 -p 6 --seed 5 -o stopped.jsonl >out 2>&1 </dev/null &
driver=$!
for _ in $(seq 600); do
    [ "$(grep -c '"t":"sample"' stopped.jsonl 2>/dev/null)" -ge 3 ] 2>/dev/null && break
    sleep 0.02
done
kill -INT "$driver"
wait "$driver"
holds 'an interrupted run' grep -q '"stopped":"interrupted"' stopped.jsonl
holds 'lacks samples' test "$(samples_of stopped.jsonl | wc -l)" -lt 12
expect 'goes on' 0 . "$faulty" run --resume stopped.jsonl -q
holds 'to what it would have been' same_samples whole.jsonl stopped.jsonl

echo "driver: $checks checks, $failed failed"
[ "$failed" -eq 0 ]

# shellcheck shell=bash disable=SC2154
# files.sh -- sourced by run.sh: what is done with files of samples (compare, export), and the look at the system. The
# files are made here, so that every figure in them is known.

# made FILE SEED DRIFT [SED] <PLAN: a clean file of 20 rounds; each line of PLAN is a cell, its strategy, threads, rate in 100 Mcalls/s and
# parameters. Rates are within 1%, and DRIFT times that in every other round; the sed script is applied to the file.
made() {
    awk -v seed="$2" -v drift="$3" 'function noise() { seed = (seed * 16807) % 2147483647; return 0.99 + 0.02 * seed / 2147483647 }
    function cell(i, part) {
        split(name[i], part, "/")
        return "{\"cell\":\"" name[i] "\",\"strategy\":\"" strategy[i] "\",\"workload\":\"" part[1] "\",\"threads\":" threads[i] \
            ",\"unit\":\"calls\",\"params\":" params[i] ",\"defaults\":{\"lock\":\"biased\"}," \
            "\"traits\":{\"unsafe\":false,\"gil\":false,\"defers_free\":false}," \
            "\"aa\":false,\"oversubscribed\":false,\"cpus\":[0],\"head_bytes\":16,\"int_bytes\":32}"
    }
    function sample(i, round, rate) {
        printf "{\"t\":\"sample\",\"cell\":\"%s\",\"round\":%d,\"slot\":%d,\"status\":\"ok\",\"signal\":null,", name[i], round, i - 1
        printf "\"wall_ns\":1000000000,\"cpu_ns\":990000000,\"drain_ns\":1000,\"ops\":%d,\"rss_peak_kib\":4096,", rate
        printf "\"verify\":{\"result_ok\":true,\"leaked\":0},\"threads\":[{\"end_ns\":1000000000,\"nivcsw\":0}],"
        print "\"hop_ns\":" (threads[i] > 1 ? "[30,31]" : "[null,null]") "}"
    }
    { name[NR] = $1; strategy[NR] = $2; threads[NR] = $3; speed[NR] = $4; params[NR] = $5 }
    END {
        printf "{\"t\":\"run\",\"schema\":\"rclab/1\",\"run_id\":\"" seed "\",\"started\":\"2024-01-02T03:04:05Z\"," \
            "\"argv\":[\"rclab run\"],\"seed\":1,\"rounds\":20,\"warmup_ns\":0,\"min_ns\":1000000000,\"reference\":\"gil\"," \
            "\"place\":\"core\",\"exploratory\":false,\"rigorous\":false,\"statistics\":false,\"force_verdicts\":false,\"plan\":["
        for (i = 1; i <= NR; i++)
            printf "%s", (i > 1 ? "," : "") cell(i)
        print "],\"host\":{\"name\":\"anvil\",\"cpu\":\"A CPU\",\"topology\":{\"cores\":4},\"virt\":\"none\"," \
            "\"kernel\":\"6.1\",\"machine\":\"x86_64\"},\"build\":{\"cc\":\"gcc 12\",\"cflags\":\"-O2\",\"git\":\"abc\",\"dirty\":false," \
            "\"ndebug\":true,\"optimised\":true,\"sanitizers\":[]},\"system\":{\"load1\":0.1},\"unavailable\":[]}"
        for (round = 0; round < 20; round++)
            for (i = 1; i <= NR; i++)
                sample(i, round, speed[i] * (round % 2 ? drift : 1) * 1e8 * noise())
        print "{\"t\":\"end\",\"complete\":true,\"stopped\":null}"
    }' | sed "${4:-}" >"$1"
}

# fixture FILE SPEED [SED]: gil at 100 Mcalls/s and biased at SPEED times that.
fixture() {
    printf 'fib/%s/t1 %s 1 %s {"n":"20"}\n' gil gil 1 biased biased "$2" |
        made "$1" "$(awk -v speed="$2" 'BEGIN { print 4711 + int(speed * 1000) }')" 1 "${3:-}"
}

fixture ref.jsonl 2
fixture same.jsonl 2.001
fixture slow.jsonl 1.8
fixture fast.jsonl 2.3
fixture dirty.jsonl 1.8 '1s/"dirty":false/"dirty":true/'
fixture host.jsonl 2 '1s/"name":"anvil"/"name":"forge"/'
fixture explore.jsonl 1.8 '1s/"exploratory":false/"exploratory":true/'
fixture lost.jsonl 2 '1s/,{"cell":"fib.biased.*"int_bytes":32}\]/]/;/^{"t":"sample","cell":"fib.biased/d'
fixture fallen.jsonl 2 '3s/"status":"ok","signal":null/"status":"crash","signal":"SIGSEGV"/'
fixture other.jsonl 2 '1s/fib/fob/g;s/"cell":"fib/"cell":"fob/'

# --- how many rounds would do
fixture wide.jsonl 1 '/"cell":"fib.biased.*"round":[0-9]*[02468],/s/"ops":[0-9]*/"ops":112000000/
    /"cell":"fib.biased.*"round":[0-9]*[13579],/s/"ops":[0-9]*/"ops":90000000/'
expect 'a wide spread: so many rounds would do' 0 '^! biased: about [56][0-9][0-9] rounds would resolve ±2\.0%' "$rclab" show wide.jsonl
fixture close.jsonl 1.001
expect 'a narrow one: there is nothing to resolve' 0 '^! biased: any difference is below the least effect of 2%' "$rclab" show close.jsonl
holds 'and that is still inconclusive, not the same' grep -Eq '^biased .* inconclusive' out

# --- compare
expect 'a slower cell is found' 0 '^fib/biased/t1 .*0\.(89|90|91)[0-9]× \[.* slower$' "$rclab" compare ref.jsonl slow.jsonl
holds 'and the other is not' grep -Eq '^fib/gil/t1 .* inconclusive$' out
holds 'files do not pair, and that is said' grep -q 'independent samples' out
expect 'a faster cell is found' 0 '^fib/biased/t1 .* faster$' "$rclab" compare ref.jsonl fast.jsonl
expect 'several files give several tables' 0 '^fast.jsonl against ref.jsonl' "$rclab" compare ref.jsonl slow.jsonl fast.jsonl
holds 'one each' count_is 2 '^CELL ' out
expect 'one file: against its reference, paired' 0 '^fib/biased/t1 .*2\.0[0-9]+× \[.* faster$' "$rclab" compare ref.jsonl
holds 'and that is said' grep -q 'paired by round' out
holds 'the reference has no row' lacks out '^fib/gil/t1'
expect 'another reference' 0 '^fib/gil/t1 .*0\.(49|50)' "$rclab" compare ref.jsonl --reference biased
expect 'a reference that is not there' 2 "unknown strategy of this file 'gli' \(did you mean gil" "$rclab" compare ref.jsonl --reference gli
expect 'CSV of a comparison' 0 '^fib/biased/t1,200' "$rclab" compare ref.jsonl same.jsonl --style csv
expect 'equal ones are inconclusive under --strict' 3 . "$rclab" compare ref.jsonl same.jsonl --strict
expect 'a gate passes' 0 '^gate  throughput:-5%: 2 passed, 0 failed, 0 undecided' \
    "$rclab" compare ref.jsonl same.jsonl --fail-if throughput:-5% --strict
expect 'a gate fails' 1 '^gate  throughput:-5%: fib/biased/t1: FAILED, 0\.' "$rclab" compare ref.jsonl slow.jsonl --fail-if throughput:-5%
expect 'a wider gate passes' 0 '2 passed' "$rclab" compare ref.jsonl slow.jsonl --fail-if throughput:-15%
expect 'a bound within the interval is undecided' 0 '1 undecided' "$rclab" compare ref.jsonl slow.jsonl --fail-if throughput:-10%
expect 'which --strict makes 3' 3 '1 undecided' "$rclab" compare ref.jsonl slow.jsonl --fail-if throughput:-10% --strict
expect 'a gate for a rise' 1 'FAILED' "$rclab" compare ref.jsonl slow.jsonl --fail-if wall:+5%
expect 'memory did not rise' 0 '2 passed' "$rclab" compare ref.jsonl slow.jsonl --fail-if rss:+1%
expect 'CPU time rose' 1 'FAILED' "$rclab" compare ref.jsonl slow.jsonl --fail-if cpu:+5%
expect 'one of several gates suffices' 1 . "$rclab" compare ref.jsonl slow.jsonl --fail-if rss:+1% --fail-if throughput:-5%
expect 'a gate within one file' 1 'gate  throughput:\+50%: fib/biased/t1: FAILED' "$rclab" compare ref.jsonl --fail-if throughput:+50%
expect 'a cell that is lost fails the gate' 1 'fib/biased/t1: FAILED, lost.jsonl lacks it' \
    "$rclab" compare ref.jsonl lost.jsonl --fail-if throughput:-5%
expect 'a new cell is shown' 0 '^fib/biased/t1 .* not in REF$' "$rclab" compare lost.jsonl ref.jsonl
expect 'failed samples fail the gate, and outrank it' 4 'fib/.*: FAILED.* its samples failed' \
    "$rclab" compare ref.jsonl fallen.jsonl --fail-if throughput:-5%
expect 'exploratory runs decide no gate' 3 'gate  .*: 0 passed, 0 failed, 2 undecided' \
    "$rclab" compare ref.jsonl explore.jsonl --fail-if throughput:-5% --strict
expect 'a dirty build has no verdict' 0 '^fib/biased/t1 .* withheld$' "$rclab" compare ref.jsonl dirty.jsonl
expect 'and decides no gate' 2 'a dirty build.*must not decide' "$rclab" compare ref.jsonl dirty.jsonl --fail-if throughput:-5%
expect 'unless forced' 1 'FAILED' "$rclab" compare ref.jsonl dirty.jsonl --fail-if throughput:-5% --force-verdicts
expect 'two hosts are refused, both named' 2 'two hosts, name: "anvil" and "forge"' "$rclab" compare ref.jsonl host.jsonl
expect 'unless forced' 0 '^fib/gil/t1 ' "$rclab" compare ref.jsonl host.jsonl --force
expect 'files without a common cell' 2 'no cell that can be compared' "$rclab" compare ref.jsonl other.jsonl
expect 'compare of nothing' 2 'name the files' "$rclab" compare
expect 'compare of a damaged file' 2 'bad.jsonl:4: not a JSON object' "$rclab" compare ref.jsonl bad.jsonl
expect 'compare of two runs in one file' 2 'a second run in one file' "$rclab" compare ref.jsonl both.jsonl
for spec in throughput throughput:5% speed:-5% throughput:-5 throughput:-x% throughput:-100% throughput:-% throughput:-nan% :-5% ''; do
    expect "gate '$spec' is refused" 2 '^rclab: --fail-if .*allowed is FIGURE' "$rclab" compare ref.jsonl same.jsonl --fail-if "$spec"
done
sed -E 's/"hop_ns":\[null,null\]/"hop_ns":[30,31]/;s/"threads":1/"threads":2/;s/t1"/t2"/g' ref.jsonl >near.jsonl
sed -E '2,21s/"hop_ns":\[30,31\]/"hop_ns":[160,161]/' near.jsonl >mixed.jsonl
expect 'files are compared within one regime' 0 '^fib/biased/t2 .* 20:10 +10 ' "$rclab" compare near.jsonl mixed.jsonl
sed -E 's/"hop_ns":\[30,31\]/"hop_ns":[160,161]/' near.jsonl >far.jsonl
expect 'and not at all across two' 0 '^fib/biased/t2 +– ' "$rclab" compare near.jsonl far.jsonl

# --- compare within one file: gc halves gil's rate and takes a tenth of biased's; biased scales, gil does not. The rounds drift by
# four, so that only pairs see it
while read -r threads strategy off on; do
    echo "fib/$strategy/t$threads $strategy $threads $off {\"n\":\"20\",\"gc\":\"off\"}"
    echo "fib/$strategy/t$threads/gc=track-buffered $strategy $threads $on {\"n\":\"20\",\"gc\":\"track-buffered\"}"
done >grid.plan <<'VALUES'
1 gil 1 0.5
1 biased 2 1.8
2 gil 1 0.5
2 biased 3.8 3.42
4 gil 1 0.5
4 biased 5 4.5
VALUES
echo 'fob/gil/t1 gil 1 1 {"n":"30"}' >>grid.plan
made grid.jsonl 4711 4 <grid.plan
expect 'values of a variable, paired by round' 0 '^grid.jsonl: against gc=off within one file, paired by round$' "$rclab" compare grid.jsonl --along=gc
holds 'the known ratio' grep -Eq '^track-buffered +fib/gil/t1/gc=track-buffered +2[45][0-9]\.[0-9]M +12[0-9]\.[0-9]M +0\.(49|50)[0-9]× \[0\.(49|50).* 20:20 +0 +slower$' out
holds 'of each strategy' grep -Eq '^track-buffered +fib/biased/t2/gc=track-buffered .* 0\.(89|90)[0-9]× \[.* slower$' out
holds 'one row for each but the reference' count_is 6 '^track-buffered ' out
holds 'and no other' count_is 7 '× \[|^VALUE' out
holds 'a workload without the variable is left out, and that is said' grep -q '^ *1 of 13 cells are left out: their workload has no gc$' out
expect 'another value as the reference' 0 '^off +fib/biased/t1 .*1\.1[01][0-9]× .* faster$' "$rclab" compare grid.jsonl --along gc --reference track-buffered
holds 'has no row' lacks out '^track-buffered'
expect 'threads: the scaling' 0 'against threads=1 within .*the ratio is the scaling$' "$rclab" compare grid.jsonl --along=threads
holds 'of a strategy that scales' grep -Eq '^2 +fib/biased/t2 .*1\.(89|90|91)[0-9]× .* 20:20 +0 +faster$' out
holds 'and of one that does not' grep -Eq '^2 +fib/gil/t2 .* inconclusive$' out
holds 'a group stands together' test "$(awk '/^[0-9]/ { print $2 }' out | head -n 3 | tr '\n' ' ')" = 'fib/gil/t2 fib/gil/t4 fib/gil/t2/gc=track-buffered '
expect 'threads against another number' 0 '^4 +fib/biased/t4 .*1\.3[123][0-9]× ' "$rclab" compare grid.jsonl --along=threads --reference=2
"$rclab" compare grid.jsonl >strategies.out
expect 'along the strategy is what it is without' 0 '^fib/biased/t2 .* 3\.[78][0-9]+× .* faster$' "$rclab" compare grid.jsonl --along=strategy
holds 'to the letter' diff strategies.out out
expect 'CSV has the value before the cell' 0 '^VALUE,CELL,REF/S,NEW/S,RATIO \[95% CI\],SAMPLES,DROPPED,VERDICT$' \
    "$rclab" compare grid.jsonl --along=gc --style csv
holds 'a line each and nothing else' count_is 6 '^track-buffered,fib/(gil|biased)/t[124]/gc=track-buffered,[0-9.]+[MG],[0-9.]+[MG],0\.[0-9]+× \[[^,]*\],20:20,0,slower$' out
holds 'no heading' test "$(wc -l <out)" -eq 7
expect 'Markdown along a variable' 0 '^\| track-buffered \| fib/gil/t1/gc=track-buffered \| 2[45][0-9]\.' "$rclab" compare grid.jsonl --along=gc --style md
expect 'a gate along a variable fails' 1 '^gate  throughput:-20%: fib/gil/t1/gc=track-buffered: FAILED, 0\.' \
    "$rclab" compare grid.jsonl --along=gc --fail-if throughput:-20%
holds 'for those that fell so far' grep -q '^gate  throughput:-20%: 3 passed, 3 failed, 0 undecided$' out
expect 'a wider one passes' 0 '6 passed, 0 failed' "$rclab" compare grid.jsonl --along=gc --fail-if throughput:-60%
expect 'settled under --strict' 0 . "$rclab" compare grid.jsonl --along=gc --strict
expect 'and not, exit 3' 3 'inconclusive' "$rclab" compare grid.jsonl --along=threads --strict
sed '1s/"exploratory":false/"exploratory":true/' grid.jsonl >try.jsonl
expect 'exploratory along a variable' 0 '^track-buffered .* exploratory$' "$rclab" compare try.jsonl --along=gc
sed '/"cell":"fib.gil.t1.gc.*"round":3,/s/"status":"ok","signal":null/"status":"crash","signal":"SIGSEGV"/' grid.jsonl >crashed.jsonl
expect 'a failed cell along a variable, exit 4' 4 '^track-buffered +fib/gil/t1/.* failed$' "$rclab" compare crashed.jsonl --along=gc
sed '1s/\("strategy":"gil"[^}]*}[^}]*},"traits":{"unsafe":\)false/\1true/g' grid.jsonl >unsafe.jsonl
expect 'wrong answers are not ranked' 0 '^2 +fib/gil/t2 .* wrong answers expected$' "$rclab" compare unsafe.jsonl --along=threads
expect 'nor is what is compared with them' 0 '^1 +fib/gil/t1 .* wrong answers expected$' "$rclab" compare unsafe.jsonl --along=threads --reference=2
holds 'others are' grep -Eq '^1 +fib/biased/t1 .* slower$' out
expect 'and no gate is' 0 '^gate  throughput:-99%: 4 passed, 0 failed, 0 undecided$' \
    "$rclab" compare unsafe.jsonl --along=threads --reference=2 --fail-if throughput:-99%
sed '/"cell":"fib.gil.t2/s/"result_ok":true/&,"demonstration":true/' grid.jsonl >shown.jsonl
expect 'nor are those of a demonstration' 0 '^2 +fib/gil/t2 .* –  .* wrong answers expected$' "$rclab" compare shown.jsonl --along=threads
expect 'of which no gate is' 0 '^gate  throughput:-99%: 4 passed, 0 failed, 0 undecided$' \
    "$rclab" compare shown.jsonl --along=threads --reference=2 --fail-if throughput:-99%
expect 'and pyperf gets none' 0 '"name": ?"fib/gil/t1' "$rclab" export shown.jsonl --format pyperf
holds 'of the demonstration' lacks out '"name": ?"fib/gil/t2'
sed '1s/"reference":"gil"/"reference":"biased"/' grid.jsonl >biased.jsonl
expect 'strategies: the reference is the file'"'"'s' 0 'biased.jsonl: against biased within' "$rclab" compare biased.jsonl
sed -E '/"cell":"fib.biased.t2","round":[0-4],/s/"hop_ns":\[30,31\]/"hop_ns":[30,160]/
    /"cell":"fib.biased.t2","round":[5-9],/s/"hop_ns":\[30,31\]/"hop_ns":[160,161]/' grid.jsonl >apart.jsonl
expect 'one thread meets near and far, and none that flipped' 0 '^2 +fib/biased/t2 .* 15:15 +10 ' "$rclab" compare apart.jsonl --along=threads
expect 'two threads meet within one regime' 0 '^4 +fib/biased/t4 .* 10:10 +20 ' "$rclab" compare apart.jsonl --along=threads --reference=2
expect 'a variable that is not there' 2 "unknown variable of this file 'thread' \(did you mean threads\?\); allowed: strategy, gc, threads" \
    "$rclab" compare grid.jsonl --along=thread
expect 'one that differs between workloads only' 2 'grid.jsonl has no two cells that differ in n alone \(it holds 20, 30\); --along takes: strategy, gc, threads$' \
    "$rclab" compare grid.jsonl --along=n
expect 'one that all left at its default' 2 'differ in lock alone \(it holds biased\); --along takes: strategy, gc, threads$' "$rclab" compare grid.jsonl --along=lock
expect 'one value only' 2 'ref.jsonl has no two cells that differ in threads alone \(it holds 1\); --along takes: strategy$' "$rclab" compare ref.jsonl --along=threads
expect 'a value that is not there' 2 "unknown value of gc in this file 'of' \(did you mean off\?\); allowed: off, track-buffered$" \
    "$rclab" compare grid.jsonl --along=gc --reference=of
expect 'no such number of threads' 2 "unknown value of threads in this file '3'.*; allowed: 1, 2, 4$" "$rclab" compare grid.jsonl --along=threads --reference=3
for option in along reference; do
    expect "--$option with two files" 2 "^rclab: --$option: with two files each cell is compared with the same one of the first" \
        "$rclab" compare grid.jsonl ref.jsonl "--$option=gc"
done

# --- export
json() { # FILE EXPRESSION: a Python expression over the JSON document d
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$1" "$2"
}
expect 'export needs a format' 2 'which --format' "$rclab" export ref.jsonl
expect 'an unknown format' 2 "unknown format 'jnuit' \(did you mean junit" "$rclab" export ref.jsonl --format jnuit
expect 'export of a damaged file' 2 'bad.jsonl:4: not a JSON object' "$rclab" export bad.jsonl --format json -o bad.json
holds 'makes no file' test ! -e bad.json
expect 'CSV has a line for each sample' 0 '^cell,workload,parameters' "$rclab" export ref.jsonl --format csv
holds 'all of them' count_is 40 '^fib/(gil|biased)/t1,fib,n=20,1,[a-z]+,calls,[0-9]+,[01],ok,,1000000000,990000000,1000,[0-9]+,4096,' out
expect 'Markdown has the table' 0 '^\| biased \| 200' "$rclab" export ref.jsonl --format md
holds 'an output file' "$rclab" export ref.jsonl --format csv -o ref.csv
holds 'holds the same' count_is 40 '^fib/' ref.csv
expect 'is not overwritten' 2 'ref.csv: the file exists' "$rclab" export ref.jsonl --format csv -o ref.csv
holds 'unless forced' "$rclab" export ref.jsonl --format md -o ref.csv --force
holds 'and then it is replaced' count_is 1 '^\| biased \|' ref.csv
expect 'an output that is full' 2 '/dev/full: No space' "$rclab" export ref.jsonl --format json -o /dev/full --force
"$rclab" export ref.jsonl --format json -o ref.json
"$rclab" export ref.jsonl --format pyperf -o ref.pyperf
"$rclab" export fallen.jsonl --format junit -o fallen.xml
holds 'JUnit counts the failures' grep -Eq '<testsuite name="fib t1" tests="2" failures="1" errors="0" skipped="0">' fallen.xml
holds 'and says why' grep -q 'crashed SIGSEGV 1/20' fallen.xml
sed '1s/"fib"/"<f\&i\\"b>"/g' ref.jsonl >angle.jsonl
holds 'JUnit of a strange name' "$rclab" export angle.jsonl --format junit -o angle.xml
holds 'is escaped' grep -q 'classname="&lt;f&amp;i&quot;b&gt;"' angle.xml
sed '/^{"t":"sample"/d' ref.jsonl >none.jsonl
expect 'pyperf takes no empty file' 2 'no right sample' "$rclab" export none.jsonl --format pyperf
if command -v python3 >/dev/null; then
    holds 'JSON holds run, samples and rows' json ref.json \
        'd["run"]["seed"] == 1 and len(d["samples"]) == 40 and {r["verdict"] for r in d["rows"]} == {"faster", "\u2013"}'
    holds 'JUnit is XML' python3 -c 'import xml.dom.minidom as m; m.parse("fallen.xml"); m.parse("angle.xml")'
    holds 'pyperf: version and names' json ref.pyperf \
        'd["version"] == "1.0" and [b["metadata"]["name"] for b in d["benchmarks"]] == ["fib/gil/t1", "fib/biased/t1"]'
    holds 'pyperf: seconds for one operation' json ref.pyperf \
        'all(len(b["runs"]) == 20 and all(4e-9 < v < 1.1e-8 for r in b["runs"] for v in r["values"]) for b in d["benchmarks"])'
    holds 'pyperf: metadata are whole texts and numbers' json ref.pyperf \
        'all(isinstance(v, (int, float)) or (isinstance(v, str) and v.strip() and "\n" not in v) for m in [d["metadata"]] + [r["metadata"] for b in d["benchmarks"] for r in b["runs"]] for v in m.values())'
    holds 'pyperf: unit, date and memory as documented' json ref.pyperf \
        'd["metadata"]["unit"] == "second" and d["metadata"]["date"] == "2024-01-02 03:04:05" and d["benchmarks"][0]["runs"][0]["metadata"]["mem_max_rss"] == 4096 * 1024'
    if python3 -c 'import pyperf' 2>/dev/null; then
        holds 'pyperf loads it' python3 -c 'import pyperf; assert len(pyperf.BenchmarkSuite.load("ref.pyperf")) == 2'
    fi
fi

# --- the system: a tree of files stands for a machine
mkdir -p good/proc/sys/kernel good/sys/devices/system/cpu/{cpu0,cpu1}/cpufreq good/sys/devices/system/cpu/{cpufreq,smt} \
    good/sys/kernel/mm/transparent_hugepage
echo performance | tee good/sys/devices/system/cpu/cpu{0,1}/cpufreq/scaling_governor >/dev/null
echo 0 | tee good/sys/devices/system/cpu/cpufreq/boost good/sys/devices/system/cpu/smt/active >/dev/null
echo 2-3 >good/sys/devices/system/cpu/isolated
echo '0.05 0.10 0.20 1/100 4711' >good/proc/loadavg
echo 'flags		: fpu sse2' >good/proc/cpuinfo
echo 2 >good/proc/sys/kernel/randomize_va_space
echo 1 >good/proc/sys/kernel/perf_event_paranoid
echo 'always [madvise] never' >good/sys/kernel/mm/transparent_hugepage/enabled
damage() { # PATH TEXT: a copy of the good machine with another text in one file
    rm -rf worse
    cp -r good worse
    echo "$2" >"worse/$1"
}
expect 'a fit machine' 0 '^0 of the required' "$rclab" system check --strict --root good
holds 'all is well' count_is 9 '^ok ' out
damage sys/devices/system/cpu/cpu1/cpufreq/scaling_governor powersave
expect 'one CPU with another governor' 77 '^required +governor +performance on 1 of 2' "$rclab" system check --strict --root worse
holds 'its reason' grep -q 'why  .*frequency' out
holds 'its remedy' grep -q 'remedy  cpupower' out
expect 'without --strict it is told only' 0 '^1 of the required' "$rclab" system check --root worse
damage sys/devices/system/cpu/cpufreq/boost 1
expect 'boost' 77 '^required +boost +on' "$rclab" system check --strict --root worse
damage proc/loadavg '1.50 1 1 1/1 1'
expect 'load' 77 '^required +load +1.50' "$rclab" system check --strict --root worse
rm worse/proc/loadavg
expect 'what is required and unknown is not so' 77 '^required +load +unknown' "$rclab" system check --strict --root worse
while IFS='|' read -r path text name; do
    damage "$path" "$text"
    expect "$name is advice" 0 "^advice +$name " "$rclab" system check --strict --root worse
done <<'VALUES'
sys/devices/system/cpu/smt/active|1|smt
sys/devices/system/cpu/isolated||isolation
proc/cpuinfo|flags : fpu hypervisor|virtualisation
proc/sys/kernel/randomize_va_space|0|aslr
proc/sys/kernel/perf_event_paranoid|2|perf_event_paranoid
sys/kernel/mm/transparent_hugepage/enabled|[always] madvise never|thp
VALUES
expect 'this machine is looked at' 0 'governor' "$rclab" system check
expect 'as JSON' 0 '"name": "load"' "$rclab" system check --json
expect 'system alone' 2 'allowed: check' "$rclab" system
expect 'system with another word' 2 "unknown 'tune'" "$rclab" system tune

# --- help and the manual
for command in list run fib fastfib show compare export merge system; do
    expect "$command has a help" 0 '^Usage: rclab '"$command" "$rclab" "$command" --help
    holds "the manual has $command" grep -q "^\.It Cm $command\>" "$manual"
done
if command -v groff >/dev/null; then
    groff -mandoc -ww -Tutf8 "$manual" >manual.txt 2>manual.err
    holds 'the manual is set without a warning' test ! -s manual.err
    holds 'and is not empty' grep -q RCLAB manual.txt
fi

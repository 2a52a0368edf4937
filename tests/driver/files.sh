# shellcheck shell=bash disable=SC2154
# files.sh -- sourced by run.sh: what is done with files of samples (compare, export), and the look at the system. The
# files are made here, so that every figure in them is known.

# fixture FILE SPEED [SED]: a clean file of 20 rounds, gil at 100 Mcalls/s and biased at SPEED times that, each within 1%;
# the sed script is applied to it.
fixture() {
    awk -v speed="$2" 'function noise() { seed = (seed * 16807) % 2147483647; return 0.99 + 0.02 * seed / 2147483647 }
    function cell(name) {
        return "{\"cell\":\"fib/" name "/t1\",\"strategy\":\"" name "\",\"workload\":\"fib\",\"threads\":1,\"unit\":\"calls\"," \
            "\"params\":{\"n\":\"20\"},\"defaults\":{},\"traits\":{\"unsafe\":false,\"gil\":false,\"defers_free\":false}," \
            "\"aa\":false,\"oversubscribed\":false,\"cpus\":[0],\"head_bytes\":16,\"int_bytes\":32}"
    }
    function sample(name, round, slot, rate) {
        printf "{\"t\":\"sample\",\"cell\":\"fib/%s/t1\",\"round\":%d,\"slot\":%d,\"status\":\"ok\",\"signal\":null,", name, round, slot
        printf "\"wall_ns\":1000000000,\"cpu_ns\":990000000,\"drain_ns\":1000,\"ops\":%d,\"rss_peak_kib\":4096,", rate
        print "\"verify\":{\"result_ok\":true,\"leaked\":0},\"threads\":[{\"end_ns\":1000000000,\"nivcsw\":0}],\"hop_ns\":[null,null]}"
    }
    BEGIN {
        seed = 4711 + int(speed * 1000)
        print "{\"t\":\"run\",\"schema\":\"rclab/1\",\"run_id\":\"" speed "\",\"started\":\"2024-01-02T03:04:05Z\"," \
            "\"argv\":[\"rclab run\"],\"seed\":1,\"rounds\":20,\"warmup_ns\":0,\"min_ns\":1000000000,\"reference\":\"gil\"," \
            "\"place\":\"core\",\"exploratory\":false,\"rigorous\":false,\"statistics\":false,\"force_verdicts\":false,\"plan\":[" \
            cell("gil") "," cell("biased") "],\"host\":{\"name\":\"anvil\",\"cpu\":\"A CPU\",\"topology\":{\"cores\":4},\"virt\":\"none\"," \
            "\"kernel\":\"6.1\",\"machine\":\"x86_64\"},\"build\":{\"cc\":\"gcc 12\",\"cflags\":\"-O2\",\"git\":\"abc\",\"dirty\":false," \
            "\"ndebug\":true,\"optimised\":true,\"sanitizers\":[]},\"system\":{\"load1\":0.1},\"unavailable\":[]}"
        for (round = 0; round < 20; round++) {
            sample("gil", round, 0, 1e8 * noise())
            sample("biased", round, 1, speed * 1e8 * noise())
        }
        print "{\"t\":\"end\",\"complete\":true,\"stopped\":null}"
    }' | sed "${3:-}" >"$1"
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

# shellcheck shell=bash
# perf-lib.sh -- what scripts/perf-* share: their common options, the order for one worker, what this machine can do.
# To be sourced from scripts/perf-NAME with the repository as the current folder.

rclab=${RCLAB:-build/release/rclab}
strategy=biased workload=fib threads=2 seconds=1 statistics=false
params=()

perf_usage() { # TEXT: what the script does, and options beside the common ones
    cat <<USAGE
Usage: scripts/$(basename "$0") [-s STRATEGY] [-W WORKLOAD] [-t THREADS] [-L VAR=VALUE]… [--seconds N] $1
Runs one worker of rclab (default: -s biased -W fib -t 2 --seconds 1). RCLAB names another program than build/release/rclab.
USAGE
}

perf_die() {
    echo "$(basename "$0"): $1" >&2
    exit "${2:-2}"
}

perf_need() { # the programs without which nothing can be done
    command -v perf >/dev/null || perf_die "perf is not installed: install the package linux-perf" 77
    [ -x "$rclab" ] || perf_die "$rclab is not there: make builds it"
}

# Takes one common option and its value; sets `taken` to the words used. 0 words: it is not a common one.
# shellcheck disable=SC2034 # the caller reads `taken`
perf_option() {
    taken=2
    case $1 in
        -s | -W | -t | -L | --seconds) [ $# -ge 2 ] || perf_die "$1 needs a value" ;;
        *) taken=0; return 0 ;;
    esac
    case $1 in
        -s) strategy=$2 ;;
        -W) workload=$2 ;;
        -t) threads=$2 ;;
        -L) params+=("$2") ;;
        --seconds) seconds=$2 ;;
    esac
}

# The order for `rclab worker` (bench/README.md).
perf_order() {
    local cpus='' values='' param i
    [[ $threads =~ ^[1-9][0-9]*$ ]] || perf_die "-t $threads: allowed is a whole number from 1"
    [[ $seconds =~ ^[1-9][0-9]*$ ]] || perf_die "--seconds $seconds: allowed is a whole number from 1"
    [[ $strategy$workload =~ ^[a-z0-9_-]+$ ]] || perf_die "-s $strategy -W $workload: names are of small letters and digits"
    for ((i = 0; i < threads; i++)); do cpus+="${cpus:+,}-1"; done
    for param in ${params[@]+"${params[@]}"}; do
        [[ $param =~ ^[a-z-]+=[A-Za-z0-9_./-]+$ ]] || perf_die "-L $param: allowed is VAR=VALUE"
        values+="${values:+,}\"${param%%=*}\":\"${param#*=}\""
    done
    printf '{"strategy":"%s","statistics":%s,"workload":"%s","threads":%d,"warmup_ns":100000000,"min_ns":%d000000000,"seed":1,"cpus":[%s],"params":{%s}}' \
        "$strategy" "$statistics" "$workload" "$threads" "$seconds" "$cpus" "$values"
}

perf_has() { # EVENT: it can be counted here; `perf stat` says <not supported> and exits 0
    perf stat -x, -e "$1" true 2>&1 >/dev/null | grep -q '^[0-9]'
}

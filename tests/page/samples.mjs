// A file of samples that nobody measured, the same at every call: everything a page can hold, more strategies than cores.
// Usage: node samples.mjs [full|failed|single|latency] > FILE
//
// full: two workloads, several thread counts, A/A, oversubscription, a strategy that crashes, one that is wrong by design,
// counters, histograms, missing events, markup in every text that comes from outside. failed: no sample is right. latency: a run
// at a fixed rate, which gil does not keep.
const NASTY = "</script><b>&\"'";
const kind = process.argv[2] ?? "full";
const strategies = kind === "single" ? ["gil"] : ["plain", "gil", "biased", "atomic", "buffered", "crashing"];
const speed = { plain: 1.4, gil: 1, biased: 1.25, atomic: 0.6, buffered: 1.004, crashing: 0.9 };
const gain = { plain: 0.97, gil: 0, biased: 0.95, atomic: 0.1, buffered: 0.02, crashing: 0.5 };
const rounds = 20;

let state = 12345;
const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;

const cells = [];
for (const [workload, unit, params] of [
  ["fib", "calls", { n: "27", traffic: "classic" }],
  ["dict", "ops", { sharing: "shared", input: `/tmp/${NASTY}` }],
])
  for (const threads of kind === "single" ? [1] : [1, 2, 4, 8])
    for (const strategy of [...strategies, ...(kind === "full" ? ["gil/aa"] : [])]) {
      const aa = strategy === "gil/aa";
      cells.push({
        cell: `${workload}/${strategy}/t${threads}${kind === "latency" ? "/latency=fixed,rate=1000" : ""}`,
        strategy: aa ? "gil" : strategy,
        workload,
        threads,
        unit,
        params,
        traits: { unsafe: strategy === "plain", gil: strategy.startsWith("gil"), defers_free: false },
        aa,
        oversubscribed: threads > 4,
      });
    }

const line = (record) => console.log(JSON.stringify(record));
line({
  t: "run",
  schema: "rclab/1",
  run_id: "0123456789abcdef",
  started: "2026-01-02T03:04:05Z",
  argv: ["rclab run", "-L", `input=/tmp/${NASTY}`, "--seed", "7"],
  seed: 7,
  rounds,
  warmup_ns: 200000000,
  min_ns: 500000000,
  timeout_ns: 60700000000,
  reference: "gil",
  place: "core",
  exploratory: false,
  rigorous: kind === "full",
  statistics: kind === "full",
  latency: kind === "latency" ? { mode: "fixed", rate: 1000, request: 1 } : null,
  force_verdicts: true,
  plan: cells,
  host: { cpu: `A processor ${NASTY}`, topology: { packages: 1, numa: 1, cores: 4, cpus: 4 }, virt: "none", kernel: "6.1" },
  build: { cc: "gcc 12.2.0", cflags: "-O2 -g", git: "abc", dirty: true, ndebug: true, optimised: true, sanitizers: [] },
  system: { governor: "performance", boost: true, smt: false, aslr: true, isolated: null, load1: 2.5 },
  unavailable: [
    { event: "cycles", errno: "EACCES", why: "perf_event_paranoid is 3" },
    { event: "hop_probe", errno: null, why: "no probe", remedy: "another version" },
  ],
});

function histogram(middle) {
  const counts = [];
  for (let i = 0; i < 60; i++) counts.push([Math.round(middle * 1.12 ** (i - 12)), Math.round(900 * Math.exp(-((i - 12) ** 2) / 60)) + (i < 50 ? 1 : 0)]);
  return { unit: "ns", counts: counts.filter(([, count]) => count > 0) };
}

function paced(strategy, threads) {
  const slow = strategy === "gil" ? { achieved: 900, backlog: 50 } : { achieved: 1000, backlog: 0 };
  return { mode: "fixed", rate: 1000, request: 1, ...histogram(20000 / speed[strategy] + threads * 3000), clock_ns: 25, ...slow, unserved: 0, overslept: 0, overslept_ns: 0 };
}

function sample(cell, round, slot, drift) {
  const { strategy, threads } = cell;
  const record = { t: "sample", cell: cell.cell, round, slot, status: "ok", signal: null, exit: null, why: null };
  if (kind === "failed") return { ...record, status: "crash", signal: "SIGSEGV", stderr: NASTY };
  if (strategy === "crashing" && threads > 1 && round % 5 === 2) return { ...record, status: "crash", signal: "SIGSEGV", stderr: `said ${NASTY}\n` };
  const rate = 2e7 * speed[strategy] * (1 + (Math.min(threads, 4) - 1) * gain[strategy]) * drift * (1 + 0.02 * (random() - 0.5));
  const wall = 500000000, ops = Math.round((rate * wall) / 1e9);
  const busy = strategy === "gil" ? 1 : Math.min(threads, 4);
  const shared = strategy === "biased" ? 0.02 : strategy === "atomic" ? 2 : 0;
  return {
    ...record,
    wall_ns: wall,
    cpu_ns: wall * busy,
    drain_ns: strategy === "buffered" ? 20000000 : 100000,
    ops,
    rss_peak_kib: 3400 + threads * 100,
    verify: { result_ok: true, may_be_wrong: false, leaked: 0 },
    threads: Array.from({ length: threads }, (_, i) => ({ cpu: i % 4, ops: Math.round(ops / threads), start_ns: 0, end_ns: wall - i * 1000000, cpu_ns: wall, nvcsw: 0, nivcsw: (round + i) % 9 === 0 ? 1 : 0, minflt: 0 })),
    counters: [],
    locks: kind === "full" ? { lock_acquired: ops * 2, lock_contended: strategy === "gil" ? 0 : Math.round(ops * 0.01 * threads), lock_wait_ns: 0, list: { acquired: ops * 2, biased: ops, revoked: 0, contended: Math.round(ops * 0.01 * threads), wait_ns: ops, wait_longest_ns: 1000 * (round + 1) } } : {},
    peaks: kind === "full" ? { deferred_bytes: strategy === "buffered" ? 65536 * (1 + (round % 7)) : 0 } : null,
    refcounts: kind === "full" ? { incref: ops * 2, incref_shared: Math.round(ops * shared), decref: ops * 2, decref_shared: Math.round(ops * shared), merge_queued: 0 } : {},
    hist: kind === "latency" ? paced(strategy, threads) : kind === "full" && cell.workload === "dict" ? histogram(40 / speed[strategy] + threads * 3) : null,
    facts: { found: 42 },
  };
}

for (let round = 0; round < rounds; round++) {
  const drift = 1 + 0.2 * Math.sin(round / 3);
  cells.forEach((cell, slot) => line(sample(cell, round, slot, drift)));
}
line({ t: "end", complete: true });

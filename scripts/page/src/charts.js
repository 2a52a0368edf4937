// The charts. Each takes data of the document and returns draw(width) -> {plot, points}: see figure.js.
// Nothing is computed here but positions: medians, intervals and percentiles are the driver's.
import * as Plot from "@observablehq/plot";
import { format } from "d3";

const SI = format("~s");
const G4 = format(".4~g");
const UNRANKED = new Set(["unsafe", "racy", "failed"]);

const base = (width) => ({
  width,
  marginBottom: 44, // the axis label stands under the ticks, not between them
  style: { background: "transparent", color: "currentColor", fontSize: "12px", overflow: "visible" },
});
const threadsText = (threads) => `${threads} thread${threads > 1 ? "s" : ""}`;
const rateText = (rate, unit) => `${SI(Number(rate.toPrecision(4)))} ${unit}/s`;

/** The mark and the line of a strategy, for legends. */
export function drawMark(look) {
  return Plot.plot({
    width: 34,
    height: 16,
    margin: 0,
    axis: null,
    x: { domain: [0, 1] },
    y: { domain: [0, 1] },
    style: { background: "transparent", overflow: "visible" },
    marks: [
      Plot.ruleY([0.5], { stroke: look.colour, strokeWidth: 1.5, strokeDasharray: look.dash }),
      Plot.dot([[0.5, 0.5]], { fill: look.colour, symbol: look.symbol, r: 4.5 }),
    ],
  });
}

/* Tells the figure what the pointer is nearest to; draws nothing, the figure rings it as it does for the keyboard. */
const hover = (points, options) => Plot.dot(points, Plot.pointer({ ...options, maxRadius: 60, strokeOpacity: 0 }));

const axisX = { labelAnchor: "right", labelOffset: 38 };

/* Equal values must not hide each other: the i-th of n series is shifted by some pixels. */
const shift = (i, n, step) => (i - (n - 1) / 2) * step;

/* Hollow marks are what is not ranked, or was disturbed: the caption says which. */
function marks(data, options) {
  const common = { stroke: "series", symbol: "series", r: 4.5, strokeWidth: 1.6, ...options };
  return [
    Plot.dot(data.filter((d) => !d.hollow), { ...common, fill: "series" }),
    Plot.dot(data.filter((d) => d.hollow), { ...common, fill: "var(--ground)" }),
  ];
}

export function scalingChart(section, series) {
  const points = section.groups.flatMap((group) =>
    group.rows
      .filter((row) => !row.aa && row.median.per_second != null)
      .map((row) => ({
        series: row.strategy,
        threads: group.threads,
        rate: row.median.per_second,
        low: row.mad_low,
        high: row.mad_high,
        hollow: UNRANKED.has(row.verdict),
        x: group.threads,
        y: row.median.per_second,
        text: `${row.strategy}, ${threadsText(group.threads)}: ${rateText(row.median.per_second, section.unit)}, MAD ${G4(
          row.mad * 100
        )}%${UNRANKED.has(row.verdict) ? ", not ranked" : ""}`,
      }))
  );
  points.sort((a, b) => series.names.indexOf(a.series) - series.names.indexOf(b.series) || a.threads - b.threads);
  const counts = [...new Set(points.map((point) => point.threads))].sort((a, b) => a - b);
  const names = [...new Set(points.map((point) => point.series))];
  points.forEach((point) => (point.dx = shift(names.indexOf(point.series), names.length, 5)));
  const crowded = section.groups.filter((group) => group.oversubscribed);
  const log = counts.at(-1) > 16 * counts[0];
  const draw = (width) => ({
    points,
    plot: Plot.plot({
      ...base(width),
      height: Math.min(360, Math.max(240, width * 0.5)),
      marginLeft: 52,
      marginRight: 18,
      x: { ...axisX, type: log ? "log" : "linear", base: log ? 2 : undefined, ticks: counts, tickFormat: "d", label: "threads →", inset: 12 },
      y: { zero: true, tickFormat: SI, grid: true, ticks: 5, label: `↑ ${section.unit}/s` },
      color: series.colour,
      symbol: series.symbol,
      marks: [
        Plot.ruleY([0]),
        Plot.ruleX(crowded, { x: "threads", stroke: "var(--line)", strokeDasharray: "4 4" }),
        Plot.text(crowded.slice(0, 1), { x: "threads", text: () => "oversubscribed", frameAnchor: "bottom-right", textAnchor: "end", dx: -10, dy: -4, fill: "var(--quiet)" }),
        names.map((name) => scalingLine(points.filter((point) => point.series === name), series.of(name))),
        hover(points, { x: "threads", y: "rate" }),
      ],
    }),
  });
  return { draw, names, empty: points.length === 0 };
}

function scalingLine(points, look) {
  const dx = points[0].dx;
  return [
    Plot.ruleX(points, { x: "threads", y1: "low", y2: "high", dx, stroke: look.colour, strokeOpacity: 0.55, strokeWidth: 3 }),
    Plot.line(points, { x: "threads", y: "rate", dx, stroke: look.colour, strokeDasharray: look.dash, strokeWidth: 1.8 }),
    marks(points, { x: "threads", y: "rate", dx }),
  ];
}

const SIGNS = { faster: "▲ ", slower: "▼ " };

export function ratioChart(group, reference, series) {
  const rows = group.rows.map((row) => ({
    series: row.strategy,
    ratio: row.ratio ?? (row.verdict === "reference" ? 1 : null),
    low: row.ci_low,
    high: row.ci_high,
    label: ratioLabel(row),
    x: row.ratio ?? 1,
    y: row.strategy,
    dy: 7,
    text: `${row.strategy}: ${ratioLabel(row)}`,
  }));
  const bounds = rows.flatMap((row) => [row.ratio, row.low, row.high]).filter((value) => value != null);
  const low = Math.min(0.9, ...bounds) / 1.12;
  const high = Math.max(1.1, ...bounds) * 1.12;
  const compared = rows.filter((row) => row.ratio != null);
  const bounded = rows.filter((row) => row.low != null);
  const draw = (width) => ({
    points: rows,
    plot: Plot.plot({
      ...base(width),
      height: 60 + rows.length * 44,
      marginLeft: labelSpace(rows),
      marginRight: 18,
      marginTop: 8,
      x: { ...axisX, type: "log", domain: [low, high], tickFormat: (x) => `${G4(x)}×`, ticks: ratioTicks(low, high, width), grid: true, label: `rate against ${reference} →` },
      y: { domain: rows.map((row) => row.series), label: null, tickSize: 0 },
      color: series.colour,
      symbol: series.symbol,
      marks: [
        Plot.barX(compared, { x1: 1, x2: "ratio", y: "series", fill: "series", fillOpacity: 0.25, insetTop: 20, insetBottom: 6 }),
        Plot.ruleX([1], { strokeWidth: 1.5 }),
        Plot.link(bounded, { x1: "low", x2: "high", y1: "series", y2: "series", dy: 7, stroke: "series", strokeWidth: 2.2 }),
        Plot.tickX(bounded, { x: "low", y: "series", stroke: "series", strokeWidth: 2.2, insetTop: 21, insetBottom: 7 }),
        Plot.tickX(bounded, { x: "high", y: "series", stroke: "series", strokeWidth: 2.2, insetTop: 21, insetBottom: 7 }),
        Plot.dot(compared, { x: "ratio", y: "series", dy: 7, fill: "series", symbol: "series", r: 4.5 }),
        // at the left edge, where the longest of them has room on a phone too
        Plot.text(rows, { y: "series", text: "label", frameAnchor: "left", dx: 3, dy: -11, fill: "currentColor", stroke: "var(--ground)", strokeWidth: 4 }),
      ],
    }),
  });
  return { draw, names: [] };
}

function ratioTicks(low, high, width) {
  const wanted = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
  const fit = wanted.filter((x) => x >= low && x <= high);
  const room = Math.max(3, Math.floor(width / 60));
  return fit.length <= room ? fit : [low, 1, high].map((x) => Number(x.toPrecision(1)));
}

function ratioLabel(row) {
  if (row.verdict === "reference") return "reference";
  if (row.ratio == null) return row.verdict_text;
  const interval = row.ci_low == null ? "[–]" : `[${row.ci_low.toFixed(2)} … ${row.ci_high.toFixed(2)}]`;
  const sign = SIGNS[row.verdict];
  return `${sign ?? ""}${row.ratio.toFixed(2)}× ${interval}${sign ? "" : ` ${row.verdict_text}`}`;
}

/* Names stand left of the chart; a long one must not be cut off, nor take the chart's place. */
function labelSpace(rows) {
  const longest = Math.max(...rows.map((row) => row.series.length));
  return Math.min(130, 18 + longest * 7);
}

export function samplesChart(group, unit, series) {
  const samples = group.rows.flatMap((row) =>
    row.samples.map((sample) => ({
      series: row.strategy,
      round: sample.round,
      rate: sample.rate ?? 0,
      failed: sample.rate == null,
      hollow: sample.preempted,
      x: sample.rate ?? 0,
      y: sample.round,
      fy: row.strategy,
      text: `${row.strategy}, round ${sample.round}: ${sample.rate == null ? sample.status : rateText(sample.rate, unit)}${
        sample.preempted ? ", switched off meanwhile" : ""
      }`,
    }))
  );
  const medians = group.rows
    .filter((row) => row.median.per_second != null)
    .map((row) => ({ series: row.strategy, rate: row.median.per_second }));
  const names = group.rows.map((row) => row.strategy);
  const rounds = Math.max(1, ...samples.map((sample) => sample.round));
  const strip = Math.min(96, Math.max(44, rounds * 3));
  const draw = (width) => ({
    points: samples,
    plot: Plot.plot({
      ...base(width),
      height: 60 + names.length * strip,
      marginLeft: labelSpace(medians.concat(names.map((name) => ({ series: name })))),
      marginRight: 18,
      marginTop: 8,
      x: { ...axisX, zero: true, insetRight: 6, tickFormat: SI, ticks: Math.max(3, Math.floor(width / 90)), grid: true, label: `${unit}/s →` },
      y: { domain: [rounds + 0.5, -0.5], axis: null },
      fy: { domain: names, label: null, padding: 0.12 },
      color: series.colour,
      symbol: series.symbol,
      marks: [
        Plot.axisFy({ anchor: "left", label: null, tickSize: 0 }),
        Plot.frame({ stroke: "var(--line)" }),
        Plot.ruleX(medians, { x: "rate", fy: "series", stroke: "series", strokeWidth: 1.6 }),
        marks(samples.filter((sample) => !sample.failed), { x: "rate", y: "round", fy: "series", r: 3 }),
        Plot.dot(samples.filter((sample) => sample.failed), { x: "rate", y: "round", fy: "series", symbol: "times", stroke: "var(--bad)", r: 4, strokeWidth: 2 }),
        hover(samples, { x: "rate", y: "round", fy: "series" }),
      ],
    }),
  });
  return { draw, names: [], empty: samples.length === 0 };
}

export function countersChart(counters, rows, kind, series) {
  const points = counters
    .filter((counter) => counter.kind === kind)
    .flatMap((counter) =>
      counter.values
        .map((value, i) => ({
          counter: counter.name,
          value,
          series: rows[i].strategy,
          x: value,
          y: counter.name,
          text: `${counter.name}, ${rows[i].strategy}: ${value == null ? "not counted" : G4(value)} per operation`,
        }))
        .filter((point) => point.value > 0)
    );
  const names = [...new Set(points.map((point) => point.counter))];
  const shown = series.names.filter((name) => points.some((point) => point.series === name));
  points.forEach((point) => (point.dy = shift(shown.indexOf(point.series), shown.length, 8)));
  const draw = (width) => ({
    points,
    plot: Plot.plot({
      ...base(width),
      height: 60 + names.length * (shown.length * 8 + 12),
      marginLeft: Math.min(170, 16 + Math.max(...names.map((name) => name.length)) * 7),
      marginRight: 18,
      marginTop: 8,
      x: { ...axisX, type: "log", tickFormat: (x) => (Math.log10(x) % 1 === 0 ? format("~g")(x) : ""), ticks: Math.max(2, Math.floor(width / 90)), label: "per operation, log scale →", inset: 8 },
      y: { domain: names, label: null, tickSize: 0, grid: true },
      color: series.colour,
      symbol: series.symbol,
      marks: [
        shown.map((name, i) =>
          marks(points.filter((point) => point.series === name), { x: "value", y: "counter", dy: shift(i, shown.length, 8), r: 4 })
        ),
        hover(points, { x: "value", y: "counter" }),
      ],
    }),
  });
  return { draw, names: shown, empty: points.length === 0 };
}

export function latencyChart(group, series) {
  const points = group.rows
    .filter((row) => row.latency)
    .flatMap((row) =>
      row.latency.percentiles.map((percentile) => ({
        series: row.strategy,
        heading: percentile.heading,
        value: percentile.value,
        x: percentile.heading,
        y: percentile.value,
        text: `${row.strategy}, ${percentile.heading}: ${percentile.text}`,
      }))
    );
  const names = [...new Set(points.map((point) => point.series))];
  const unit = group.rows.find((row) => row.latency)?.latency.unit;
  const draw = (width) => ({
    points,
    plot: Plot.plot({
      ...base(width),
      height: 300,
      marginLeft: 52,
      marginRight: 18,
      x: { ...axisX, type: "point", label: "percentile →" },
      y: { type: "log", grid: true, tickFormat: (y) => (Math.log10(y) % 1 === 0 ? SI(y) : ""), label: `↑ ${unit}, log scale` },
      color: series.colour,
      symbol: series.symbol,
      marks: [
        names.map((name) =>
          Plot.line(
            points.filter((point) => point.series === name),
            { x: "heading", y: "value", stroke: series.of(name).colour, strokeDasharray: series.of(name).dash, strokeWidth: 1.8 }
          )
        ),
        marks(points, { x: "heading", y: "value" }),
        hover(points, { x: "heading", y: "value" }),
      ],
    }),
  });
  return { draw, names, empty: points.every((point) => !(point.value > 0)) };
}

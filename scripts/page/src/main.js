// The page: takes the document that the driver put into it (README.md says what is in it) and lays it out.
import { countersChart, drawMark, latencyChart, ratioChart, samplesChart, scalingChart } from "./charts.js";
import { h, list, newId } from "./dom.js";
import { drawForPaper, figure } from "./figure.js";
import { legend, seriesOf } from "./series.js";
import { fold, table } from "./tables.js";

const data = JSON.parse(document.getElementById("data").textContent);
const WARNINGS = { note: new Set(["statistics", "missing"]) };

const legendOf = (chart, series) => (chart.names.length ? legend(series, chart.names, drawMark) : null);
const tableOf = (group, kind) => group.tables.find((each) => each.kind === kind);

function warnings(items) {
  if (items.length === 0) return null;
  const rows = items.map(({ kind, text }) => {
    const mild = WARNINGS.note.has(kind);
    return h("li", { class: mild ? "mild" : "grave" }, h("b", {}, mild ? "Note: " : "Warning: "), text);
  });
  return h("ul", { class: "warnings", "aria-label": "Warnings" }, rows);
}

function summary(run, series) {
  const items = run.summary.map(({ strategy, items: sentences }) => [
    h("dt", {}, series.of(strategy) ? drawMark(series.of(strategy)) : null, strategy),
    sentences.map(({ kind, text }) => h("dd", { "data-verdict": kind }, text)),
  ]);
  const alone = "One strategy only, or nothing measured beside the reference: there is nothing to compare.";
  return [
    h("h3", { id: newId("summary") }, "Summary"),
    items.length ? h("dl", { class: "summary" }, items.flat(2)) : h("p", {}, alone),
    ...table(run.overview),
    h("p", { class: "note" }, `▲ faster, ▼ slower than ${run.reference}; ? not settled. A verdict needs a 95% interval (sign test on paired rounds, Bonferroni over the table's line) that excludes 1, and an effect of at least 2%.`),
  ];
}

function counters(group, series) {
  const data = tableOf(group, "counters");
  if (!group.counters?.length) return data ? [h("p", { class: "note" }, `Counters: ${data.note}`)] : [];
  const titles = { refcounts: "Reference counting, per operation", locks: "Locks and contention, per operation" };
  const charts = Object.entries(titles)
    .map(([kind, title]) => [title, countersChart(group.counters, group.rows, kind, series)])
    .filter(([, chart]) => !chart.empty);
  return charts.map(([title, chart], i) =>
    figure({
      title,
      note: "Medians. Zeros are not drawn.",
      draw: chart.draw,
      legend: legendOf(chart, series),
      table: i === charts.length - 1 ? fold(data, { print: true }) : null,
    })
  );
}

function latency(group, series) {
  const data = tableOf(group, "latency");
  const chart = data && latencyChart(group, series);
  if (!chart) return null;
  if (chart.empty) return h("div", {}, table(data));
  return figure({ title: data.title, draw: chart.draw, legend: legendOf(chart, series), table: fold(data, { print: true }) });
}

/* What the driver adds one day is shown before anybody draws it. */
const DRAWN = new Set(["main", "counters", "latency", "samples"]);
const others = (group) => group.tables.filter((each) => !DRAWN.has(each.kind)).map((each) => fold(each, { print: true }));

function groupPart(section, group, run, series) {
  const main = tableOf(group, "main");
  const ratio = ratioChart(group, run.reference, series);
  const samples = samplesChart(group, section.unit, series);
  const where = `${section.title}, ${group.title}`;
  const timed = group.rows.some((row) => row.verdict === "latency"); // rates have the timing of requests in them: no ratios
  return h(
    "section",
    { class: "group", "aria-label": where },
    h("h4", {}, group.title),
    table(main, group.rows.map((row) => row.verdict)),
    h("div", { class: "notes" }, list(group.notes), group.facts.length ? h("p", {}, "Facts: ", group.facts.join(" | ")) : null),
    h(
      "div",
      { class: "pair" },
      group.rows.length > 1 && !timed ? figure({ title: `Rate against ${run.reference}: ${where}`, note: "Median of paired rounds and interval.", draw: ratio.draw }) : null,
      samples.empty
        ? null
        : figure({
            title: `Raw samples: ${where}`,
            note: "One mark per round, first round on top; the line is the median; hollow: a thread was switched off against its will; ×: failed.",
            draw: samples.draw,
            table: fold(tableOf(group, "samples")),
          }),
      counters(group, series),
      latency(group, series)
    ),
    others(group)
  );
}

function sectionPart(section, run, series) {
  const chart = section.scaling && scalingChart(section, series);
  const id = newId("workload");
  const node = h(
    "section",
    { class: "workload", "aria-labelledby": id },
    h("h3", { id, tabindex: -1 }, section.title, h("span", { class: "params" }, ` ${section.params}`)),
    chart && !chart.empty
      ? figure({
          title: `Scaling: ${section.title}, throughput against threads`,
          note: "Bars are ± MAD. Hollow: not ranked.",
          draw: chart.draw,
          legend: legendOf(chart, series),
          table: fold(section.scaling, { print: true }),
          wide: true,
        })
      : section.scaling && fold(section.scaling, { print: true }),
    section.groups.map((group) => groupPart(section, group, run, series))
  );
  return { id, node, title: `${section.title} ${section.params}` };
}

function runPart(run) {
  const series = seriesOf(run.strategies);
  const sections = run.sections.map((section) => sectionPart(section, run, series));
  const id = newId("run"), about = newId("about");
  document.getElementById("contents").append(
    h("p", {}, h("a", { href: `#${id}` }, run.file)),
    h("ul", {}, sections.map((section) => h("li", {}, h("a", { href: `#${section.id}` }, section.title))), h("li", {}, h("a", { href: `#${about}` }, "Run, machine, build")))
  );
  return h(
    "section",
    { class: "run", "aria-labelledby": id },
    h("h2", { id, tabindex: -1 }, run.file),
    h("p", { class: "host" }, `${run.cpu} · ${run.rounds} rounds · ${run.started}${run.complete ? "" : " · incomplete"}`),
    warnings(run.warnings),
    summary(run, series),
    sections.map((section) => section.node),
    h("section", { class: "about", "aria-labelledby": about }, h("h3", { id: about, tabindex: -1 }, "Run, machine, build"), run.about.filter((each) => each.rows.length).flatMap((each) => table(each)))
  );
}

/* On paper nothing can be opened: what belongs there is opened for it, and closed again. */
function preparePrinting() {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details[data-print]:not([open])")];
    opened.forEach((each) => (each.open = true));
    drawForPaper(true);
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((each) => (each.open = false));
    drawForPaper(false);
  });
}

document.getElementById("subtitle").textContent =
  "Throughput of reference counting strategies. Charts take the focus: arrow keys read their values out.";
document.getElementById("made-by").textContent = `Made by ${data.made_by}. Figures are those of rclab show.`;
document.title = `rclab report: ${data.runs.map((run) => run.file).join(", ")}`;
document.getElementById("main").append(
  ...[data.warnings.length ? warnings(data.warnings.map((text) => ({ kind: "hosts", text }))) : null].filter(Boolean),
  ...data.runs.map(runPart)
);
preparePrinting();

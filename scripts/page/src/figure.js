// A figure: caption, chart that follows the width of its box, legend, a line that reads out values, the table.
//
// The chart takes the focus; arrow keys walk its points. Each walk step is written into the readout (a live region) and
// ringed in the chart, so that the keyboard and the screen reader get what a pointer gets.
import { h, newId } from "./dom.js";

const LEAST_WIDTH = 200; // narrower is no screen: a box that is not laid out yet, or hidden
const SVG = "http://www.w3.org/2000/svg";

const PAPER_WIDE = 680, PAPER_HALF = 330; // px of a page between its margins, and of one of two columns

const figures = []; // what draws each again for a width

/** Before printing true, afterwards false: the layout on paper comes too late for a ResizeObserver. */
export function drawForPaper(paper) {
  figures.forEach((redraw) => redraw(paper));
}

/**
 * draw(width) returns {svg, points}: points are [{text, x, y, fy}] in the units of the chart's scales, and {dx, dy} in
 * pixels where the mark is shifted. `wide`: it has the whole width to itself.
 */
export function figure({ title, note, draw, legend, table, wide }) {
  const caption = newId("figure");
  const readout = h("p", { class: "readout", role: "status" });
  const box = h("div", {
    class: "plot",
    tabindex: 0,
    role: "group",
    "aria-roledescription": "chart",
    "aria-labelledby": caption,
  });
  const state = { width: 0, points: [], at: -1, plot: null };
  const redraw = (paper) => {
    const width = paper ? (wide ? PAPER_WIDE : PAPER_HALF) : Math.floor(box.clientWidth);
    if (width < LEAST_WIDTH || width === state.width) return;
    const { plot, points } = draw(width);
    plot.querySelectorAll("svg").forEach((svg) => svg.setAttribute("aria-hidden", "true"));
    (plot.matches("svg") ? plot : plot.querySelector("svg")).setAttribute("aria-hidden", "true");
    plot.addEventListener("input", () => {
      if (!plot.value) return; // the last one stays: what vanishes would make the page jump
      state.at = state.points.indexOf(plot.value);
      show(state, readout);
    });
    box.replaceChildren(plot);
    Object.assign(state, { width, points, plot });
    show(state, readout);
  };
  new ResizeObserver(() => redraw(false)).observe(box);
  figures.push(redraw);
  box.addEventListener("keydown", (event) => walk(event, state, readout));
  box.addEventListener("blur", () => {
    state.at = -1;
    show(state, readout);
  });
  return h(
    "figure",
    { class: wide && "wide" },
    h("figcaption", { id: caption }, title, note ? h("span", { class: "note" }, ` ${note}`) : null),
    legend,
    box,
    readout,
    table
  );
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function walk(event, state, readout) {
  const last = state.points.length - 1;
  if (last < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Home") state.at = 0;
  else if (event.key === "End") state.at = last;
  else if (event.key in STEPS) state.at = Math.min(last, Math.max(0, state.at + STEPS[event.key]));
  else return;
  event.preventDefault();
  show(state, readout);
}

function show({ plot, points, at }, readout) {
  const svg = plot?.matches("svg") ? plot : plot?.querySelector("svg");
  const point = points[at];
  svg?.querySelector(".ring")?.remove();
  readout.textContent = point ? `${at + 1} of ${points.length}: ${point.text}` : "";
  if (!point || !svg) return;
  const place = (name, value) => {
    const scale = plot.scale(name);
    return scale ? scale.apply(value) + (scale.bandwidth ?? 0) / 2 : 0;
  };
  const ring = document.createElementNS(SVG, "circle");
  const fy = point.fy == null ? 0 : plot.scale("fy").apply(point.fy);
  for (const [name, value] of Object.entries({
    class: "ring",
    cx: place("x", point.x) + (point.dx ?? 0),
    cy: place("y", point.y) + fy + (point.dy ?? 0),
    r: 9,
  }))
    ring.setAttribute(name, value);
  svg.append(ring);
}

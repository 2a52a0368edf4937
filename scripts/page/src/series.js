// How each strategy looks, everywhere on the page: by its place in the plan. Colour never stands alone: every strategy
// has its own mark and its own dash as well.
import { h } from "./dom.js";

const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "cross", "wye", "hexagon"];
const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "14 4", "4 2 1 2", "1 5", "12 3 3 3"];
const COLOURS = 8; // --s0 … --s7 in style.css

export function seriesOf(names) {
  const look = new Map(
    names.map((name, i) => [
      name,
      { name, colour: `var(--s${i % COLOURS})`, symbol: SYMBOLS[i % SYMBOLS.length], dash: DASHES[i % DASHES.length] },
    ])
  );
  return {
    names,
    of: (name) => look.get(name),
    colour: { domain: names, range: names.map((name) => look.get(name).colour) },
    symbol: { domain: names, range: names.map((name) => look.get(name).symbol) },
  };
}

/** Names beside mark and line; `drawMark(look)` gives an SVG, since only the charts know how marks are drawn. */
export function legend(series, names, drawMark) {
  return h(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    names.map((name) => h("li", {}, drawMark(series.of(name)), name))
  );
}

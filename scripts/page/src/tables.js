// Tables: the driver's texts, cell for cell.
import { h, newId } from "./dom.js";

/**
 * A wide table scrolls inside its own box, so that the page never does; the box takes the focus because a keyboard could
 * not scroll it otherwise. `verdicts`, one per row, mark the last column.
 */
export function table(data, verdicts = []) {
  const caption = newId("table");
  const head = data.columns.map((column) => h("th", { scope: "col", class: column.right && "right" }, column.heading));
  const rows = data.rows.map((row, i) =>
    h("tr", { "data-verdict": verdicts[i] }, row.map((text, j) => cell(text, j, data.columns[j])))
  );
  // not a <caption>: that would scroll with the table
  return [
    h("p", { class: "caption", id: caption }, data.title),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-labelledby": caption, "data-table": data.kind },
      h("table", { "aria-labelledby": caption }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))
    ),
  ];
}

function cell(text, index, column) {
  return index === 0 ? h("th", { scope: "row" }, text) : h("td", { class: column.right && "right" }, text);
}

/** What stands in a row of a table is also in a chart: closed until it is wanted. `print` opens it on paper. */
export function fold(data, { print = false } = {}) {
  return h(
    "details",
    { "data-print": print },
    h("summary", {}, `Table: ${data.title}`),
    table(data),
    data.note ? h("p", { class: "note" }, data.note) : null
  );
}

// The page in headless Chromium, from file://: charts drawn, figures equal to those of `rclab show`, nothing fetched, no
// error on the console, no sideways scrolling, every chart and table within the keyboard's reach.
// Usage: node page.mjs CHROMIUM FOLDER (see run.sh, which fills the folder)
import { launch, run } from "../browser.mjs";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [, , executablePath, folder] = process.argv;
const read = (name) => readFileSync(join(folder, name), "utf8");
const browser = await launch(executablePath);

/* Opens a page, calls look(page), and asserts that meanwhile nothing was fetched and nothing complained. */
async function open(name, options, look) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("request", (request) => request.url().endsWith(name) || complaints.push(`request: ${request.url()}`));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  await page.goto(`file://${join(folder, name)}`);
  if (options.javaScriptEnabled !== false) await settle(page);
  await look(page);
  assert.deepEqual(complaints, [], `${name} ${JSON.stringify(options)}`);
  await context.close();
}

/* Charts are drawn when their boxes have a width. */
const settle = (page) =>
  page.waitForFunction(() => [...document.querySelectorAll(".plot")].every((plot) => plot.querySelector("svg")), null, { timeout: 20000 });

/* [[row of cells]] of each table under each heading of the Markdown that `show` prints; backslashed bars are texts. */
function markdownTables(text) {
  const tables = [];
  let table = null;
  for (const line of text.split("\n")) {
    if (!line.startsWith("|")) table = null;
    else if (/^\|-/.test(line)) continue;
    else {
      if (!table) tables.push((table = []));
      table.push(line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|")));
    }
  }
  return tables;
}

const domTables = (page, kind) =>
  page.$$eval(`[data-table="${kind}"] table`, (tables) =>
    tables.map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim())))
  );

const tests = {
  async charts_are_drawn_in_both_schemes_and_widths() {
    for (const width of [390, 1280])
      for (const colorScheme of ["light", "dark"])
        await open("full.html", { viewport: { width, height: 844 }, colorScheme }, async (page) => {
          const charts = await page.$$eval(".plot", (plots) => plots.map((plot) => plot.querySelectorAll("svg path, svg rect, svg circle, svg line").length));
          // two scalings; for each of 8 groups ratios, samples, refcounts, locks; latencies of dict's 4 groups
          assert.equal(charts.length, 2 + 8 * 4 + 4);
          charts.forEach((marks, i) => assert.ok(marks > 5, `chart ${i} has ${marks} marks`));
          const [scroll, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
          assert.ok(scroll <= inner, `${scroll} wide in ${inner}`);
          const cut = await page.$$eval(".plot svg text", (texts) =>
            texts.filter((text) => { const box = text.getBoundingClientRect(); return box.width && (box.left < 0 || box.right > document.documentElement.clientWidth); }).map((text) => text.textContent)
          );
          assert.deepEqual(cut, [], "texts that leave the screen");
        });
  },

  async colours_follow_the_scheme() {
    const grounds = [];
    for (const colorScheme of ["light", "dark"])
      await open("single.html", { colorScheme }, async (page) => grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)));
    assert.notEqual(grounds[0], grounds[1]);
  },

  async tables_are_those_of_show() {
    for (const kind of ["full", "failed", "single", "latency"])
      await open(`${kind}.html`, {}, async (page) => {
        const shown = markdownTables(read(`${kind}.md`));
        const main = await domTables(page, "main"), counters = await domTables(page, "counters");
        const of = (heading) => shown.filter((table) => table[0][0] === heading);
        assert.equal(main.length, kind === "single" ? 2 : 8);
        assert.equal(counters.length, kind === "full" ? 8 : 0);
        assert.deepEqual(main, of("STRATEGY"));
        assert.deepEqual(counters, of("COUNTER PER OPERATION"));
        const contention = await domTables(page, "contention"), peaks = await domTables(page, "peaks");
        assert.equal(contention.length, kind === "full" ? 8 : 0);
        assert.equal(peaks.length, kind === "full" ? 8 : 0);
        assert.deepEqual(contention, of("LOCKS PER OPERATION"));
        assert.deepEqual(peaks, of("PEAK OF ALL SAMPLES"));
      });
  },

  async numbers_behind_the_charts_are_those_of_the_csv() {
    const columns = { per_second: 7, ns_per_op: 8, mad: 9, ratio: 10, ci_low: 11, ci_high: 12, scaling: 13, cpu_per_wall: 14, skew: 15, drain: 16, rss_kib: 17 };
    for (const kind of ["full", "failed", "single"])
      await open(`${kind}.html`, {}, async (page) => {
        const data = JSON.parse(await page.$eval("#data", (element) => element.textContent));
        const rows = data.runs[0].sections.flatMap((section) => section.groups.flatMap((group) => group.rows));
        const lines = csvLines(read(`${kind}.csv`)).slice(1);
        const byGroup = new Set(rows);
        assert.equal(byGroup.size, lines.length);
        // sections gather the groups of a workload; the fixture's plan has them in that order already
        lines.forEach((line, i) => {
          for (const [name, column] of Object.entries(columns)) {
            const value = rows[i].median[name] ?? rows[i][name] ?? null;
            assert.equal(value == null ? "" : Number(value.toPrecision(6)), line[column] === "" ? "" : Number(line[column]), `${kind} line ${i}: ${name}`);
          }
        });
      });
  },

  async charts_show_the_data() {
    await open("full.html", { viewport: { width: 1280, height: 900 } }, async (page) => {
      const data = JSON.parse(await page.$eval("#data", (element) => element.textContent));
      const plot = page.locator(".plot").first();
      await plot.focus();
      await page.keyboard.press("Home");
      const first = await page.locator(".readout").first().textContent();
      const row = data.runs[0].sections[0].groups[0].rows.find((each) => each.strategy === "plain");
      assert.match(first, /^1 of 24: plain, 1 thread: /);
      assert.ok(first.includes(`${Number((row.median.per_second / 1e6).toPrecision(4))}M calls/s`), first);
      assert.equal(await plot.locator(".ring").count(), 1);
      await page.keyboard.press("End");
      assert.match(await page.locator(".readout").first().textContent(), /^24 of 24: /);
      await plot.locator('[aria-label="dot"] path').first().hover({ force: true });
      assert.match(await page.locator(".readout").first().textContent(), /^\d of 24: \w+, 1 thread: /);
    });
  },

  async keyboard_reaches_every_chart_and_table() {
    await open("full.html", { viewport: { width: 390, height: 844 } }, async (page) => {
      const wanted = await page.$$eval(".plot, summary, .scroll", (all) => {
        const reachable = all.filter((element) => element.checkVisibility());
        reachable.forEach((element, i) => (element.dataset.stop = i));
        return reachable.length;
      });
      const seen = new Set();
      let invisible = 0;
      for (let i = 0; i < wanted + 60; i++) {
        await page.keyboard.press("Tab");
        const [stop, outline] = await page.evaluate(() => [document.activeElement.dataset.stop, getComputedStyle(document.activeElement).outlineStyle]);
        if (stop) seen.add(stop);
        if (stop && outline === "none") invisible++;
      }
      assert.equal(seen.size, wanted);
      assert.equal(invisible, 0, "stops without a visible focus");
      await page.locator("summary").first().focus();
      await page.keyboard.press("Enter");
      assert.ok(await page.locator("details").first().evaluate((element) => element.open));
    });
  },

  async texts_of_the_file_stay_texts() {
    await open("full.html", {}, async (page) => {
      assert.equal(await page.locator("b:not(.warnings b)").count(), 0);
      assert.ok((await page.locator('[data-table="plan"]').textContent()).includes("</script><b>&\"'"));
    });
  },

  async every_chart_has_a_name() {
    await open("full.html", {}, async (page) => {
      const names = await page.$$eval(".plot", (plots) => plots.map((plot) => document.getElementById(plot.getAttribute("aria-labelledby"))?.textContent));
      names.forEach((name) => assert.ok(name?.length > 10));
    });
  },

  async warnings_and_missing_events_are_named() {
    await open("full.html", {}, async (page) => {
      const warnings = await page.locator(".warnings").first().textContent();
      for (const text of ["dirty build", "load 2.5", "oversubscribed at 8 threads", "with statistics"]) assert.ok(warnings.includes(text), text);
      const missing = await page.locator('[data-table="unavailable"]').textContent();
      for (const text of ["EACCES", "perf_event_paranoid", "another version"]) assert.ok(missing.includes(text), text);
    });
    await open("cut.html", {}, async (page) => assert.ok((await page.locator(".warnings").first().textContent()).includes("cut off")));
  },

  async latencies_take_the_place_of_rates() {
    await open("latency.html", {}, async (page) => {
      const text = await page.locator("body").innerText();
      for (const part of ["latency from the intended start (fixed rate 1000/s a thread)", "the rate was not kept in 20 of 20 samples", "ACHIEVED"]) assert.ok(text.includes(part), part);
      const names = await page.$$eval(".plot", (plots) => plots.map((plot) => document.getElementById(plot.getAttribute("aria-labelledby"))?.textContent));
      assert.equal(names.filter((name) => name.includes("intended start")).length, 8);
      assert.ok(!names.some((name) => name.includes("Scaling") || name.includes("Rate against")), "no rates are compared");
      assert.ok(!/faster than|slower than [a-z]+ in/.test(text), "no verdicts");
    });
  },

  async odd_runs_have_pages_too() {
    await open("failed.html", {}, async (page) => assert.ok((await page.locator(".summary").textContent()).includes("crashed SIGSEGV 20/20")));
    await open("single.html", {}, async (page) => assert.equal(await page.locator(".plot").count(), 2));
    await open("hist.html", {}, async (page) => assert.equal(await page.locator('[data-table="latency"]').count(), 4));
    await open("two.html", {}, async (page) => {
      assert.equal(await page.locator("section.run").count(), 2);
      assert.equal(await page.evaluate(() => { const ids = [...document.querySelectorAll("[id]")].map((element) => element.id); return ids.length - new Set(ids).size; }), 0);
    });
  },

  async tables_are_there_without_scripts() {
    await open("full.html", { javaScriptEnabled: false }, async (page) => {
      const text = await page.locator("noscript").innerText();
      for (const part of ["faster than gil", "crashed SIGSEGV 4/20", "EACCES"]) assert.ok(text.includes(part), part);
    });
  },

  async paper_gets_the_tables() {
    await open("full.html", {}, async (page) => {
      await page.evaluate(() => window.addEventListener("beforeprint", () => (window.printed = document.querySelectorAll("details[open]").length)));
      const pdf = await page.pdf({ format: "A4" });
      assert.ok(pdf.length > 50000);
      assert.ok((await page.evaluate(() => window.printed)) > 0, "tables were open while it printed");
      await page.setViewportSize({ width: 700, height: 1000 });
      await page.emulateMedia({ media: "print" });
      await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
      assert.deepEqual(await page.$$eval("table, svg", (all) => all.filter((each) => each.getBoundingClientRect().right > 701).length), 0, "what leaves the paper");
      assert.ok(await page.locator("details[data-print]").first().evaluate((element) => element.open));
      assert.ok(!(await page.locator("details:not([data-print])").first().evaluate((element) => element.open)));
    });
  },
};

/* RFC 4180. */
function csvLines(text) {
  return [...text.matchAll(/(?:(?:"(?:[^"]|"")*"|[^",\n]*),)*(?:"(?:[^"]|"")*"|[^",\n]*)\n/g)].map(([line]) =>
    [...line.slice(0, -1).matchAll(/("(?:[^"]|"")*"|[^",]*)(?:,|$)/g)].map(([, cell]) => cell.replace(/^"|"$/g, "").replace(/""/g, '"'))
  );
}

await run(tests, browser);

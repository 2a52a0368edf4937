// The stepper in headless Chromium, from file://: steps forwards and backwards by button, key and slider, memory at each step
// equal to the data, arrows from the write to its reader, nothing fetched, nothing on the console, no sideways scrolling.
// Usage: node page.mjs CHROMIUM FOLDER [FOLDER-FOR-SCREENSHOTS] (see run.sh, which fills the folder)
import { launch, run } from "../../browser.mjs";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [, , executablePath, folder, shots] = process.argv;
const names = ["race", "stale", "free", "lock", "text"];
const read = (name) => readFileSync(join(folder, name), "utf8");
const browser = await launch(executablePath);

/* Opens a page, calls look(page, data), and asserts that meanwhile nothing was fetched and nothing complained. */
async function open(name, options, look) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("request", (request) => /^(file:.*\/[a-z]+\.html(#.*)?|data:,)$/.test(request.url()) || complaints.push(`request: ${request.url()}`));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  await page.goto(`file://${join(folder, name)}.html${options.hash ?? ""}`);
  const data = JSON.parse(await page.locator("#data").textContent());
  await look(page, data);
  assert.deepEqual(complaints, [], name);
  await context.close();
}

const count = (page) => page.locator("#count").textContent();
const current = (page) => page.locator('[aria-current="step"] button').allTextContents();

/* {field: words} as the page shows it, and as the data has it after `now` steps. */
const shownMemory = (page) => page.$$eval("#state tr[data-field]", (rows) => Object.fromEntries(rows.map((row) => [row.dataset.field, row.querySelector("td").textContent])));
function memoryAfter(data, now) {
  const memory = Object.fromEntries(data.things.flatMap((thing) => thing.fields.map((field) => [field.id, field.value])));
  for (const step of data.steps.slice(0, now)) for (const [id, words] of step.sets) memory[id] = words;
  return Object.fromEntries(Object.entries(memory).map(([id, words]) => [id, words ?? "not there yet"]));
}

async function fieldValue(page, thing, field) {
  const row = page.locator(`#state [data-thing="${thing}"] tr`, { has: page.locator(`th:text-is("${field}")`) });
  return row.locator("td").textContent();
}

/* The step whose data agree with `wanted`. */
const find = (data, wanted) => data.steps.find((step) => Object.entries(wanted).every(([key, value]) => step[key] === value));

const tests = {
  async every_step_of_the_lanes_is_on_the_page() {
    for (const name of names)
      await open(name, {}, async (page, data) => {
        const numbers = [...read(`${name}.txt`).matchAll(/^ {0,3}(\d+) /gm)].map(([, n]) => Number(n));
        assert.ok(data.steps.length > 0);
        assert.deepEqual(data.steps.map((step) => step.n), numbers, name);
        assert.equal(await page.locator("#lanes tbody button").count(), data.steps.length);
        assert.ok((await count(page)).includes(`${data.steps.length} steps`));
      });
  },

  async steps_forwards_and_backwards() {
    for (const name of names)
      await open(name, {}, async (page, data) => {
        const n = data.steps.length;
        assert.ok(await page.locator("#back").isDisabled());
        for (let now = 1; now <= n; now++) {
          await page.locator("#on").click();
          assert.deepEqual(await current(page), [String(now)]);
          assert.deepEqual(await shownMemory(page), memoryAfter(data, now), `${name} forwards at ${now}`);
        }
        assert.ok(await page.locator("#on").isDisabled());
        for (let now = n - 1; now >= 0; now--) {
          await page.locator("#back").click();
          assert.deepEqual(await shownMemory(page), memoryAfter(data, now), `${name} backwards at ${now}`);
        }
        await page.locator("#last").click();
        assert.deepEqual(await current(page), [String(n)]);
        await page.locator("#first").click();
        assert.deepEqual(await current(page), []);
      });
  },

  async keys_and_slider_and_clicks() {
    await open("free", {}, async (page, data) => {
      const n = data.steps.length;
      for (const [key, at] of [["ArrowRight", 1], ["ArrowRight", 2], ["ArrowLeft", 1], ["End", n], ["ArrowRight", n], ["ArrowLeft", n - 1]]) {
        await page.keyboard.press(key);
        assert.deepEqual(await current(page), [String(at)], key);
      }
      await page.keyboard.press("Home");
      assert.deepEqual(await current(page), []);
      await page.locator("#slider").focus();
      await page.keyboard.press("ArrowRight");
      assert.deepEqual(await current(page), ["1"], "the slider's own key steps once");
      await page.locator("#slider").fill("7");
      assert.deepEqual(await current(page), ["7"]);
      await page.locator("#lanes .cell").nth(4).click();
      assert.deepEqual(await current(page), ["5"]);
      await page.getByRole("button", { name: "Step 9", exact: true }).click();
      assert.deepEqual(await current(page), ["9"]);
    });
    await open("free", { hash: "#12" }, async (page) => assert.deepEqual(await current(page), ["12"]));
  },

  async the_header_is_decoded() {
    await open("free", {}, async (page, data) => {
      const queued = find(data, { name: "list#1.rc.shared", values: "0 → 0 | QUEUED" }).n;
      const merged = find(data, { name: "list#1.rc.shared", values: "0 | QUEUED → 0 | MERGED" }).n;
      const go = (n) => page.locator("#slider").fill(String(n));
      await go(0);
      assert.equal(await fieldValue(page, "list#1", "rc.owner"), "main");
      assert.equal(await fieldValue(page, "list#1", "rc.local"), "1");
      await go(queued - 1);
      assert.equal(await fieldValue(page, "list#1", "rc.shared"), "0");
      await go(queued);
      assert.equal(await fieldValue(page, "list#1", "rc.shared"), "0 | QUEUED");
      assert.ok(await page.locator("#state tr.new", { hasText: "rc.shared" }).count(), "what changed is marked");
      await go(merged);
      assert.equal(await fieldValue(page, "list#1", "rc.shared"), "0 | MERGED");
      assert.equal(await fieldValue(page, "list#1", "rc.owner"), "nobody");
      assert.equal(await page.locator("#state .freed").count(), 0);
      await page.keyboard.press("End");
      assert.equal(await page.locator('#state .freed[data-thing="list#1"]').count(), 1);
    });
    await open("race", {}, async (page, data) => {
      const values = data.steps.filter((step) => step.verb === "write").map((step) => step.values);
      assert.deepEqual(values, [":= 3", ":= 2", ":= 1"]);
    });
  },

  async arrows_lead_from_the_write_to_its_reader() {
    await open("free", {}, async (page, data) => {
      const load = data.steps.find((step) => step.verb === "load" && step.from > 0 && data.steps[step.from - 1].lane !== step.lane);
      await page.locator("#slider").fill(String(load.n));
      assert.deepEqual(await page.$$eval("#lanes svg > path", (all) => all.map((path) => [Number(path.dataset.from), Number(path.dataset.to)])), [[load.from, load.n]]);
      const ends = await page.evaluate(([from, to]) => {
        const box = (n) => document.querySelectorAll("#lanes .cell")[n - 1].getBoundingClientRect(), path = document.querySelector("#lanes svg > path").getBoundingClientRect();
        return [path.top - box(from).top, path.bottom - box(to).top, path.left - box(from).right, path.right - box(to).left];
      }, [load.from, load.n]);
      ends.forEach((distance) => assert.ok(Math.abs(distance) < 24, `the arrow's ends are ${ends}`));
    });
    await open("race", {}, async (page, data) => {
      await page.keyboard.press("End");
      assert.ok(data.steps.at(-1).fails);
      assert.equal(await page.locator("#lanes svg > path.bad").count(), 1);
      assert.ok((await page.locator("#said").textContent()).includes(`races with step ${data.steps.at(-1).related} (A)`));
    });
  },

  async stale_reads_say_so() {
    await open("stale", {}, async (page, data) => {
      const stale = data.steps.filter((step) => step.stale);
      assert.equal(stale.length, 1);
      assert.equal(stale[0].newest, 1);
      assert.deepEqual([stale[0].name, data.lanes, data.steps.at(-1).lane], ["failing.x", ["A", "B"], -1]);
      await page.locator("#slider").fill(String(stale[0].n));
      assert.ok((await page.locator("#said").textContent()).includes("from the initial value: stale, newest is step 1 (A)"));
    });
  },

  async the_source_line_is_shown() {
    await open("race", {}, async (page, data) => {
      await page.keyboard.press("ArrowRight");
      const hits = await page.locator("#source .hit").allTextContents();
      assert.equal(hits.length, 2);
      assert.ok(hits[0].includes("h->count"), hits[0]);
      assert.ok(hits[1].includes("obj_incref(pair.o);"), hits[1]);
      assert.ok((await page.locator("#source").textContent()).includes("rc/plain_count.h:"));
      for (const step of data.steps) assert.ok(data.files[step.own[0]][step.own[1]] !== undefined);
    });
  },

  async the_step_is_announced_and_buttons_have_names() {
    await open("lock", {}, async (page, data) => {
      assert.equal(await page.locator("#said").getAttribute("aria-live"), "polite");
      await page.keyboard.press("End");
      assert.ok((await page.locator("#said").textContent()).startsWith(`${data.lanes[data.steps.at(-1).lane]}: lock`));
      assert.equal(await page.locator("#slider").getAttribute("aria-valuetext"), `step ${data.steps.length} of ${data.steps.length}`);
      for (const name of ["To the beginning", "One step back", "One step forwards", "To the failure"]) assert.equal(await page.getByRole("button", { name }).count(), 1);
      assert.equal(data.steps.filter((step) => step.note.startsWith("waits for ever")).length, 2);
    });
  },

  async texts_of_the_scenario_stay_texts() {
    await open("text", {}, async (page) => {
      assert.equal(await page.locator("main i, header b").count(), 0);
      assert.ok((await page.locator("#summary").textContent()).includes("</script><b>&\"'"));
      assert.ok((await page.locator("#failure").textContent()).includes("</script><b>&"));
      assert.ok((await page.locator("thead").textContent()).includes("<i>one</i>"));
    });
  },

  async nothing_leaves_the_screen() {
    for (const name of names)
      for (const width of [390, 1280])
        for (const colorScheme of ["light", "dark"])
          await open(name, { viewport: { width, height: 844 }, colorScheme }, async (page, data) => {
            for (const key of ["Home", "End"]) {
              await page.keyboard.press(key);
              const [scroll, inner, cut] = await page.evaluate(() => [
                document.documentElement.scrollWidth,
                window.innerWidth,
                [...document.querySelectorAll(".cell, #state td, #source span, button")].filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth).length,
              ]);
              assert.ok(scroll <= inner && cut === 0, `${name}: ${scroll} wide in ${inner}, ${cut} cut`);
            }
            const seen = await page.locator('[aria-current="step"]').evaluate((row) => { const box = row.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight; });
            assert.ok(seen, `${name} ${width}: step ${data.steps.length} is in sight`);
            if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: width === 390 });
          });
  },

  async colours_follow_the_scheme() {
    const grounds = [];
    for (const colorScheme of ["light", "dark"])
      await open("race", { colorScheme }, async (page) => grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)));
    assert.notEqual(grounds[0], grounds[1]);
  },

  async paper_gets_every_step() {
    await open("free", { viewport: { width: 700, height: 1000 } }, async (page, data) => {
      assert.ok((await page.pdf({ format: "A4" })).length > 20000);
      await page.emulateMedia({ media: "print" });
      assert.equal(await page.locator("#lanes .cell:visible").count(), data.steps.length);
      assert.ok(!(await page.locator(".controls").isVisible()));
      assert.ok(await page.locator("#printed").isVisible());
      assert.equal(await page.$$eval(".cell", (all) => all.filter((each) => each.getBoundingClientRect().right > 701).length), 0, "what leaves the paper");
    });
  },
};

await run(tests, browser);

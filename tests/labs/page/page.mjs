// The page of all labs in headless Chromium, from file://: predict first, then what happened; every lab whole; steppers step; nothing
// fetched, nothing on the console, no sideways scrolling at 390 and 1280 px, light and dark; paper gets everything.
// Usage: node page.mjs CHROMIUM FOLDER [FOLDER-FOR-SCREENSHOTS] (see run.sh, which fills the folder)
import { launch, run } from "../../browser.mjs";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [, , executablePath, folder, shots] = process.argv;
const list = JSON.parse(readFileSync(join(folder, "list.json"), "utf8"));
const browser = await launch(executablePath);

/* Opens the page, calls look(page), and asserts that meanwhile nothing was fetched and nothing complained. */
async function open(options, look) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("request", (request) => /^(file:.*\/labs\.html(#.*)?|data:,|about:srcdoc)$/.test(request.url()) || complaints.push(`request: ${request.url()}`));
  await page.goto(`file://${join(folder, "labs.html")}${options.hash ?? ""}`);
  await look(page);
  assert.deepEqual(complaints, []);
  await context.close();
}

const showAll = (page) => page.locator("#all").click();

const tests = {
  async every_lab_is_there_and_whole() {
    await open({}, async (page) => {
      assert.deepEqual(await page.$$eval("article", (all) => all.map((article) => article.id)), list.map(({ name }) => name));
      assert.deepEqual(await page.$$eval(".contents a", (all) => all.map((link) => link.getAttribute("href"))), list.map(({ name }) => `#${name}`));
      for (const { name } of list) {
        const headings = await page.$$eval(`#${name} h3`, (all) => all.map((heading) => heading.textContent));
        assert.deepEqual(headings, ["Question", "Prediction", "On this machine", "What happens", "Why", "Elsewhere", "Exercises"], name);
        assert.equal(await page.locator(`#${name} section:last-of-type ol li`).count(), 2, `${name}: exercises`);
        assert.ok((await page.locator(`#${name} .prediction input`).count()) >= 2, `${name}: choices`);
        assert.equal(await page.locator(`#${name} .verdict`).count(), 1, name);
        assert.notEqual(await page.locator(`#${name}`).getAttribute("data-status"), "failed", name);
        if ((await page.locator(`#${name}`).getAttribute("data-status")) === "shown")
          assert.ok((await page.locator(`#${name} .machine :is(table, figure)`).count()) > 0, `${name}: shown, and nothing is drawn`);
      }
    });
  },

  async what_happened_is_hidden_until_it_is_asked_for() {
    await open({}, async (page) => {
      const article = page.locator("article").first(), found = article.locator(".found"), button = article.locator(".reveal");
      assert.ok(!(await found.isVisible()));
      assert.equal(await button.getAttribute("aria-expanded"), "false");
      await button.click();
      assert.ok(await found.isVisible());
      assert.equal(await button.getAttribute("aria-expanded"), "true");
      await button.click();
      assert.ok(!(await found.isVisible()));
      await showAll(page);
      assert.equal(await page.locator(".found:visible").count(), list.length);
      await showAll(page);
      assert.equal(await page.locator(".found:visible").count(), 0);
    });
  },

  async a_prediction_is_compared_with_what_came_true() {
    await open({}, async (page) => {
      const article = page.locator("article:not([data-answer=''])").first(), answer = await article.getAttribute("data-answer");
      await article.locator(".reveal").click();
      assert.ok(!(await article.locator(".answer").isVisible()), "nothing was predicted");
      await article.locator(`input[value=${answer}]`).check();
      assert.equal(await article.locator(".answer").textContent(), `You said ${answer}, and so it was here.`);
      const other = answer === "a" ? "b" : "a";
      await article.locator(`input[value=${other}]`).check();
      assert.equal(await article.locator(".answer").textContent(), `You said ${other}; here it was ${answer}.`);
    });
  },

  async keys_are_enough() {
    await open({}, async (page) => {
      await page.locator("article input").first().focus();
      await page.keyboard.press("Space");
      await page.keyboard.press("ArrowDown");
      assert.ok(await page.locator("article input").nth(1).isChecked());
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.ok(await page.locator("article .found").first().isVisible());
    });
  },

  async steppers_step() {
    await open({}, async (page) => {
      await showAll(page);
      const frames = page.locator("iframe");
      for (let i = 0; i < (await frames.count()); i++) {
        await frames.nth(i).scrollIntoViewIfNeeded();
        const inner = frames.nth(i).contentFrame();
        await inner.locator("#on").click();
        await inner.locator("#on").click();
        assert.deepEqual(await inner.locator('[aria-current="step"] button').allTextContents(), ["2"]);
        await inner.locator("#last").click();
        assert.ok(await inner.locator("#on").isDisabled());
      }
    });
  },

  async nothing_leaves_the_screen() {
    for (const width of [390, 1280])
      for (const colorScheme of ["light", "dark"])
        await open({ viewport: { width, height: 844 }, colorScheme }, async (page) => {
          await showAll(page);
          const [scroll, inner, cut] = await page.evaluate(() => [
            document.documentElement.scrollWidth,
            innerWidth,
            [...document.querySelectorAll("p, li, h2, h3, td, th, label, .lane, button")]
              .filter((element) => element.checkVisibility() && !element.closest(".scroll, pre") && element.getBoundingClientRect().right > innerWidth + 0.5)
              .map((element) => element.textContent.slice(0, 40)),
          ]);
          assert.ok(scroll <= inner, `${scroll} wide in ${inner}`);
          assert.deepEqual(cut, [], `at ${width}`);
          const small = await page.$$eval("button, .prediction label", (all) => all.filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 40).map((each) => each.textContent.slice(0, 30)));
          assert.deepEqual(small, [], "too small for a finger");
          if (shots) await page.screenshot({ path: join(shots, `labs-${width}-${colorScheme}.png`), fullPage: true });
        });
  },

  async texts_can_be_read() {
    for (const colorScheme of ["light", "dark"])
      await open({ colorScheme }, async (page) => {
        await showAll(page);
        const pale = await page.evaluate(() => {
          const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
          const light = (rgb) => rgb.slice(0, 3).map((v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = (element) => { for (; element; element = element.parentElement) { const rgb = parse(getComputedStyle(element).backgroundColor); if (rgb.length === 3 || rgb[3] > 0) return rgb; } return [255, 255, 255]; };
          return [...document.querySelectorAll("p, li, td, th, caption, figcaption, small, strong, code, a, button, .note, .legend span")]
            .filter((element) => element.checkVisibility() && element.textContent.trim())
            .map((element) => { const a = light(parse(getComputedStyle(element).color)), b = light(ground(element)); return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.slice(0, 30)]; })
            .filter(([contrast]) => contrast < 4.5);
        });
        assert.deepEqual(pale, [], colorScheme);
      });
  },

  async paper_gets_everything() {
    await open({ viewport: { width: 700, height: 1000 } }, async (page) => {
      assert.ok((await page.pdf({ format: "A4" })).length > 50000);
      await page.emulateMedia({ media: "print" });
      assert.equal(await page.locator(".found:visible").count(), list.length);
      assert.equal(await page.locator(".reveal:visible, #all:visible, iframe:visible, input:visible").count(), 0);
      assert.equal(await page.locator("pre.steps:visible").count(), await page.locator("pre.steps").count());
      assert.equal(await page.$$eval("p, td, pre", (all) => all.filter((each) => each.getBoundingClientRect().right > 701).length), 0, "what leaves the paper");
    });
  },

  async without_a_script_everything_is_there() {
    await open({ javaScriptEnabled: false }, async (page) => {
      assert.equal(await page.locator(".found:visible").count(), list.length);
      assert.equal(await page.locator("button:visible, iframe:visible").count(), 0);
    });
  },
};

await run(tests, browser);

// What the tests in a browser share: Chromium without a sandbox or a network of its own, and the list of tests.
import { chromium } from "../scripts/page/node_modules/playwright-core/index.mjs";

export const launch = (executablePath) =>
  chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

/* Runs {name: function} in turn, says "ok" or what is not, and ends the process: 1 if one failed. */
export async function run(tests, browser) {
  let bad = 0;
  for (const [name, test] of Object.entries(tests))
    try {
      await test();
      console.log(`ok - ${name}`);
    } catch (error) {
      bad++;
      console.log(`not ok - ${name}: ${error.message}`);
    }
  await browser.close();
  process.exit(bad ? 1 : 0);
}

// Builds the template: one HTML file with the style and the script in it. Usage: node build.js OUT
// esbuild bundles; what is left to do here is to put the parts together so that none ends another's element.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) {
  console.error("usage: node build.js OUT");
  process.exit(2);
}

async function bundle(entry, extra) {
  const result = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    legalComments: "none", // licences() puts the texts into the page
    target: ["es2020"],
    ...extra,
  });
  return result.outputFiles[0].text;
}

// What is inlined asks for its notice in every copy: names in the footer, the texts in a comment at the page's end.
async function licences() {
  const lock = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"));
  const inlined = Object.entries(lock.packages).filter(([path, entry]) => path && !entry.dev);
  const texts = new Map(); // text -> packages: most of d3 has the same
  for (const [path, entry] of inlined) {
    const file = (await readdir(join(here, path))).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? (await readFile(join(here, path, file), "utf8")).trim() : `(${entry.license})`;
    texts.set(text, [...(texts.get(text) ?? []), `${path.replace(/^.*node_modules\//, "")} ${entry.version}`]);
  }
  return [...texts].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n").replace(/--/g, "- -");
}

function put(page, mark, text) {
  const parts = page.split(mark);
  if (parts.length !== 2) throw new Error(`${mark}: ${parts.length - 1} times in the page, once is right`);
  return parts.join(text);
}

const script = (await bundle("main.js", { format: "iife" })).replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
const style = (await bundle("style.css", {})).replace(/<\//g, "<\\/");
let page = await readFile(join(here, "src", "page.html"), "utf8");
page = put(page, "@STYLE@", style);
page = put(page, "@SCRIPT@", script);
page = put(page, "@LICENCES@", await licences());
for (const mark of ["@RCLAB-DATA@", "@RCLAB-TABLES@"]) put(page, mark, "");

await mkdir(dirname(out), { recursive: true });
await writeFile(`${out}.new`, page);
await rename(`${out}.new`, out);
console.log(`${out}: ${Math.round(page.length / 1024)} KiB`);

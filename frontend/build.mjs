// Builds app/static/dist: hashed files, their .br and .gz, and manifest.json, which is written last.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { makeSprite } from "./icons.mjs";

const here = import.meta.dirname;
const dist = join(here, "../app/static/dist");

const shared = {
  absWorkingDir: here,
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  charset: "utf8",
  target: ["chrome123", "edge123", "firefox128", "safari17.5"],
  entryNames: "[name]-[hash]",
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
};

// Parts that are fetched only when they are needed: import("./languages") anywhere in src.
const lazyParts = ["src/markdown/languages.ts"];
const entryPoints = ["src/main.ts", "src/guest.ts", "styles/app.css"];

/** Lets import() of a lazy part lead to its hashed file. */
function leadTo(names) {
  const setup = (built) =>
    built.onResolve({ filter: /^\.\// }, ({ path, kind }) => {
      const name = kind === "dynamic-import" && names.get(`${basename(path)}.js`);
      return name ? { path: `./${name}`, external: true } : undefined;
    });
  return { name: "lazy-parts", setup };
}

function writeSprite() {
  const sprite = makeSprite(here);
  const name = `icons-${createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  writeFileSync(join(dist, name), sprite);
  return ["icons.svg", name];
}

/** Builds one file from one entry: no splitting, so no page waits for a chunk that two entries happen to share. */
async function buildOne(entry, plugins = []) {
  const { metafile } = await build({ ...shared, entryPoints: [entry], plugins });
  const [path] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint);
  return [basename(entry).replace(/\.ts$/, ".js"), basename(path)];
}

function compress(name) {
  const content = readFileSync(join(dist, name));
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(content));
  writeFileSync(join(dist, `${name}.gz`), gzipSync(content, { level: 9 }));
}

async function buildAll() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const lazy = await Promise.all(lazyParts.map((entry) => buildOne(entry)));
  const eager = await Promise.all(entryPoints.map((entry) => buildOne(entry, [leadTo(new Map(lazy))])));
  const manifest = Object.fromEntries([...eager, ...lazy, writeSprite()].sort());
  for (const name of readdirSync(dist)) if (/\.(js|css|svg)$/.test(name)) compress(name);
  writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

await buildAll();
if (process.argv.includes("--watch")) {
  let timer;
  const again = () => (clearTimeout(timer), (timer = setTimeout(() => buildAll().catch(() => {}), 100)));
  for (const folder of ["src", "styles", "../app/templates"]) watch(join(here, folder), { recursive: true }, again);
}

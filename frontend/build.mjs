// Builds app/static/dist: hashed files, their .br and .gz, and manifest.json, which is written last.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { makeSprite } from "./icons.mjs";

const here = import.meta.dirname;
const dist = join(here, "../app/static/dist");
const LARGE_BYTES = 1_000_000;

const shared = {
  absWorkingDir: here,
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  charset: "utf8",
  target: ["chrome123", "edge123", "firefox128", "safari17.5"],
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".woff": "empty", ".ttf": "empty" }, // every browser of the list knows woff2
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
};

// Parts that are fetched only when they are needed: import("./languages") anywhere in src. A script that imports one of
// the lazy stylesheets gets its address.
const lazyStyles = ["styles/formulas.css"];
const lazyParts = ["src/markdown/languages.ts", "src/markdown/formulas.ts", "src/markdown/diagrams.ts", "src/behaviours/passkey-upgrade.ts"];
const entryPoints = ["src/main.ts", "src/guest.ts", "styles/app.css"];
// The page that draws diagrams has an opaque origin, to which a module would have to be sent with CORS: a classic script.
const diagramPage = ["src/diagram-page.ts", { format: "iife" }];

/** Lets imports of lazy parts and stylesheets lead to their hashed files. */
function leadTo(names) {
  const setup = (built) => {
    built.onResolve({ filter: /^\.{1,2}\// }, ({ path, kind }) => {
      const name = names.get(kind === "dynamic-import" ? `${basename(path)}.js` : basename(path));
      if (name && kind === "dynamic-import") return { path: `./${name}`, external: true };
      return name && kind === "import-statement" ? { path: name, namespace: "address" } : undefined;
    });
    built.onLoad({ filter: /$/, namespace: "address" }, ({ path }) => ({
      contents: `export default new URL(${JSON.stringify(`./${path}`)}, import.meta.url).href`,
    }));
  };
  return { name: "lazy-parts", setup };
}

function writeSprite() {
  const sprite = makeSprite(here);
  const name = `icons-${createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  writeFileSync(join(dist, name), sprite);
  return ["icons.svg", name];
}

/** Builds one file from one entry: no splitting, so no page waits for a chunk that two entries happen to share. */
async function buildOne(entry, names = new Map(), more = {}) {
  const { metafile } = await build({ ...shared, ...more, entryPoints: [entry], plugins: [leadTo(names)] });
  const [path] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint);
  return [basename(entry).replace(/\.ts$/, ".js"), basename(path)];
}

function compress(name) {
  const content = readFileSync(join(dist, name));
  const quality = content.length > LARGE_BYTES ? 9 : 11; // the best of megabytes takes longer than the whole build
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }));
  writeFileSync(join(dist, `${name}.gz`), gzipSync(content, { level: 9 }));
}

async function buildAll() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const styles = await Promise.all(lazyStyles.map((entry) => buildOne(entry)));
  const lazy = await Promise.all(lazyParts.map((entry) => buildOne(entry, new Map(styles))));
  const eager = await Promise.all(entryPoints.map((entry) => buildOne(entry, new Map(lazy))));
  const framed = await buildOne(diagramPage[0], new Map(), diagramPage[1]);
  const manifest = Object.fromEntries([...styles, ...lazy, ...eager, framed, writeSprite()].sort());
  for (const name of readdirSync(dist)) if (/\.(js|css|svg)$/.test(name)) compress(name);
  writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

await buildAll();
if (process.argv.includes("--watch")) {
  let timer;
  const again = () => (clearTimeout(timer), (timer = setTimeout(() => buildAll().catch(() => {}), 100)));
  for (const folder of ["src", "styles", "../app/templates"]) watch(join(here, folder), { recursive: true }, again);
}

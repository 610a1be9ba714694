// The sprite holds exactly the icons that the templates name, so that it can be neither short nor stale.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

function namesIn(templates) {
  const files = readdirSync(templates, { recursive: true }).filter((name) => name.endsWith(".html"));
  const text = files.map((name) => readFileSync(join(templates, name), "utf8")).join("\n");
  return [...new Set([...text.matchAll(/\bicon\("([a-z0-9-]+)"/g)].map((match) => match[1]))].sort();
}

function symbol(id, svg) {
  const [, attributes, body] = svg.match(/<svg([^>]*)>([\s\S]*)<\/svg>/);
  const [, viewBox] = attributes.match(/viewBox="([^"]+)"/);
  return `<symbol id="${id}" viewBox="${viewBox}">${body.replace(/\s+/g, " ").replace(/> </g, "><").trim()}</symbol>`;
}

/** Gives the text of one SVG file with a symbol for every icon("name") in the templates, and the logo. */
export function makeSprite(here) {
  const icons = join(here, "node_modules/lucide-static/icons");
  const symbols = namesIn(join(here, "../app/templates"))
    .filter((name) => name !== "logo")
    .map((name) => symbol(name, readFileSync(join(icons, `${name}.svg`), "utf8")));
  symbols.push(symbol("logo", readFileSync(join(here, "src/logo.svg"), "utf8")));
  const licence = "<!-- Icons: Lucide, ISC licence, https://lucide.dev/license -->";
  return `<svg xmlns="http://www.w3.org/2000/svg">${licence}${symbols.join("")}</svg>\n`;
}

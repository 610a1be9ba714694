import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const LONGEST = 150;
const BANNED = /\.(innerHTML|outerHTML)\b|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\s*["']style|createContextualFragment/;

const folder = join(FRONTEND, "src");
const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));

for (const name of sources) {
  const text = readFileSync(join(folder, name), "utf8");
  test(`${name} is short`, () => assert.ok(text.split("\n").length <= LONGEST + 1));
  test(`${name} makes no markup from strings`, () => assert.doesNotMatch(text, BANNED));
}

test("one file imports the sanitiser", () => {
  const importers = sources.filter((name) => /from "dompurify"/.test(readFileSync(join(folder, name), "utf8")));
  assert.deepEqual(importers, ["markdown/sanitize.ts"]);
});

import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, toNodes } from "../src/markdown";
import { sanitize } from "../src/markdown/sanitize";
import GROUPS from "./attacks.json";

const ATTACKS = Object.values(GROUPS).flat();
const HARMLESS_TAGS = new Set(
  "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sup table tbody td th thead tr ul".split(" "),
);
const HARMLESS_ATTRIBUTES = new Set(["class", "href", "start", "title", "target", "rel"]);
const OWN_CLASSES = /composer|send|dialog/;

function faults(root: ParentNode): string[] {
  return [...root.querySelectorAll("*")].flatMap((element) => {
    const tag = element.localName;
    const found = HARMLESS_TAGS.has(tag) ? [] : [`<${tag}>`];
    for (const { name, value } of element.attributes) {
      if (!HARMLESS_ATTRIBUTES.has(name)) found.push(`${tag}[${name}]`);
      if (name === "href" && !/^(https?:\/\/|mailto:|#note(ref)?-\d+$)/i.test(value)) found.push(`${tag}[href=${value}]`);
      if (name === "class" && OWN_CLASSES.test(value)) found.push(`${tag}.${value}`);
    }
    return found;
  });
}

/** The page's own frames around code and tables are not the model's doing. */
function withoutFrames(nodes: ChildNode[]): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes);
  for (const head of fragment.querySelectorAll("figcaption")) head.remove();
  for (const frame of fragment.querySelectorAll("figure, div.table-scroll")) frame.replaceWith(...frame.childNodes);
  for (const box of fragment.querySelectorAll("input[type=checkbox][disabled]")) box.remove();
  for (const back of fragment.querySelectorAll(".footnote-back")) back.removeAttribute("aria-label");
  for (const pre of fragment.querySelectorAll("pre")) for (const name of ["tabindex", "role", "aria-label"]) pre.removeAttribute(name);
  return fragment;
}

test("the corpus means something", () => {
  assert.ok(ATTACKS.length >= 500);
  for (const group of Object.values(GROUPS)) assert.equal(new Set(group).size, group.length);
  const dangerous = ATTACKS.filter((attack) => {
    const raw = document.createElement("template");
    raw.innerHTML = attack;
    return faults(raw.content).length > 0;
  });
  assert.ok(dangerous.length > 300);
});

for (const attack of ATTACKS) {
  const name = attack.slice(0, 60).replaceAll("\n", "⏎");
  test(`as Markdown: ${name}`, () => assert.deepEqual(faults(withoutFrames(toNodes(attack))), []));
  test(`as HTML: ${name}`, () => assert.deepEqual(faults(sanitize(attack)), []));
}

for (const attack of GROUPS.formulas) {
  test(`as a formula: ${attack}`, async () => {
    const box = document.createElement("div");
    box.append(...toNodes(attack));
    await draw([box]);
    const elements = [...box.querySelectorAll("*")];
    const dangerous = elements.filter(({ localName }) => /^(script|img|image|iframe|object|use|foreignObject|style|a)$/i.test(localName));
    const attributes = elements.flatMap((element) => element.getAttributeNames());
    assert.deepEqual(dangerous, []);
    assert.deepEqual(attributes.filter((name) => /^on|href$|^src$|^id$|^data-p/i.test(name)), []);
    assert.doesNotMatch(elements.map((element) => element.getAttribute("style")).join(), /url|expression/);
  });
}

test("words that look like HTML are shown, not swallowed", () => {
  assert.equal(toNodes("Use <div> and <script>x</script>.")[0]?.textContent, "Use <div> and <script>x</script>.");
});

test("links open elsewhere and tell nobody where from", () => {
  const link = toNodes("[x](https://example.org/)")[0]?.firstChild as HTMLAnchorElement;
  assert.equal(link.getAttribute("target"), "_blank");
  assert.equal(link.getAttribute("rel"), "noopener noreferrer");
});

test("a picture becomes a link", () => {
  const paragraph = toNodes("![a cat](https://example.org/cat.png)")[0] as HTMLElement;
  assert.equal(paragraph.querySelector("img"), null);
  assert.equal(paragraph.querySelector("a")?.textContent, "a cat");
});

test("file names are not taken for addresses", () => {
  assert.equal(toNodes("See README.md and main.rs.")[0]?.textContent, "See README.md and main.rs.");
  assert.equal((toNodes("See README.md.")[0] as HTMLElement).querySelector("a"), null);
});

test("headings follow each other without a gap", () => {
  const nodes = toNodes("# A\n\n#### B\n\n## C\n\n# D").filter((node) => node instanceof HTMLElement);
  assert.deepEqual(nodes.map(({ localName }) => localName), ["h3", "h4", "h4", "h3"]);
});

test("columns keep their side without a style attribute", () => {
  const [frame] = toNodes("| a | b |\n|:-:|--:|\n| 1 | 2 |") as [HTMLElement];
  assert.equal(frame.querySelector("[style]"), null);
  assert.deepEqual([...frame.querySelectorAll("td")].map(({ className }) => className), ["align-center", "align-right"]);
});

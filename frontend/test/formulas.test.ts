import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, toNodes } from "../src/markdown";

const sources = (text: string, kind: string) => {
  const box = document.createElement("div");
  box.append(...toNodes(text));
  return [...box.querySelectorAll(kind)].map((element) => element.textContent);
};

async function drawn(text: string): Promise<HTMLElement> {
  const box = document.createElement("div");
  box.append(...toNodes(text));
  await draw([box]);
  return box;
}

const INLINE: Record<string, string[]> = {
  "Let $x^2$ be.": ["$x^2$"],
  "Let \\(x_1\\) be, and $y$.": ["\\(x_1\\)", "$y$"],
  "($a$), $b$-th, **$c$**": ["$a$", "$b$", "$c$"],
  "$\\$5 + x$": ["$\\$5 + x$"],
  "$5 + x$ and $2$": ["$5 + x$", "$2$"],
  "from $5 to $10": [],
  "from $5-$10, or US$5 and A$6": [],
  "$5 apples and 3$ more": [],
  "$ x $ and $x $": [],
  "\\$x$ and `$y$` and \\\\(z\\\\)": [],
  "$a\nb$": [],
  "$HOME and $PATH": [],
  "\\( \\)": [],
};
for (const [text, expected] of Object.entries(INLINE)) {
  test(`in a line: ${JSON.stringify(text)}`, () => assert.deepEqual(sources(text, ".formula"), expected));
}

const BLOCKS: Record<string, string[]> = {
  "$$\nx\n$$": ["$$\nx\n$$"],
  "\\[ x \\]": ["\\[ x \\]"],
  "so\n\\[\nx\n\\]\nthat": ["\\[\nx\n\\]"],
  "so $$x$$ that": ["$$x$$"],
  "$$x$$ is": ["$$x$$"],
  "- a\n\n  $$\n  x\n  $$": ["$$\nx\n$$"],
  "$$\nx\n\ny\n$$": [],
  "$$": [],
  "    $$\n    x\n    $$": [],
  "```\n$$\nx\n$$\n```": [],
};
for (const [text, expected] of Object.entries(BLOCKS)) {
  test(`on its own: ${JSON.stringify(text)}`, () => assert.deepEqual(sources(text, ".formula-block"), expected));
}

test("a formula is drawn, and can be read aloud", async () => {
  const box = await drawn("Let $x^2$ be.\n\n$$\n\\frac{a}{b}\n$$");
  assert.equal(box.querySelectorAll(".katex").length, 2);
  assert.equal(box.querySelectorAll("math").length, 2);
  assert.equal(box.querySelectorAll(".katex-display").length, 1);
});

test("what KaTeX does not know stays as it was written", async () => {
  const box = await drawn("See $\\nothing{x}$ and $\\frac{1}$.");
  assert.equal(box.querySelector(".katex"), null);
  assert.equal(box.textContent?.trim(), "See $\\nothing{x}$ and $\\frac{1}$.");
});

test("a bomb goes off nowhere", async () => {
  const box = await drawn(`$\\def\\a{xx}\\def\\b{\\a\\a\\a\\a}\\def\\c{\\b\\b\\b\\b\\b}\\def\\d{\\c\\c\\c\\c\\c\\c}\\d\\d\\d\\d$ $${"{".repeat(9000)}x$ $${"x".repeat(20_000)}$`);
  assert.equal(box.querySelector(".katex"), null);
});

test("no style is set as an attribute, which the policy would block", async () => {
  const { setAttribute } = Element.prototype;
  const names: string[] = [];
  Element.prototype.setAttribute = function (name, value) {
    names.push(name);
    setAttribute.call(this, name, value);
  };
  const everything = "\\vec{a} \\pmb{b} \\fcolorbox{red}{blue}{c} \\sqrt{\\frac{a}{b}} \\overbrace{abc} \\left( x^2 \\right) \\textcolor{red}{d} \\cancel{e} \\xrightarrow{f}";
  try {
    const box = await drawn(`$$\n${everything}\n$$`);
    assert.ok(box.querySelector(".katex"));
    assert.ok(box.querySelector("[style]"), "as properties they are there");
  } finally {
    Element.prototype.setAttribute = setAttribute;
  }
  assert.ok(names.length > 0);
  assert.ok(!names.includes("style"));
});

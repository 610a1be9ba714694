import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBody } from "../src/elements/message-body";
import { BlockSplitter, toNodes } from "../src/markdown";

customElements.define("message-body", MessageBody);

const TEXTS: Record<string, string> = {
  paragraphs: "One\ntwo.\n\nThree **bold**\n\n\nfour",
  "tight and loose lists": "- a\n- b\n\n- c\n\n  more of c\n\nafter\n\n1. x\n\n2. y\n10. z\n\nend",
  "a number that becomes an item": "1. a\n\n2. b\n\n3 is a number\n",
  "nested lists": "* a\n    * b\n        1. c\n\n      text\n* d\n\n> quote\n> - in\nlazy\n\nx",
  fences: "Look:\n\n```python\nfor x in y:\n\n    print('```')\n```\n\nthen\n\n~~~\nopen fence\n\n# not a heading",
  "code by indentation": "a\n\n    code\n\n\n    more\n\nb",
  tables: "| a | b |\n|---|--:|\n| 1 | 2 |\n| 3 | 4 |\n\nafter",
  headings: "# A\n\ntext\nunderlined\n===\n\nand\n---\n\n***\n\n### C\ntext",
  "line ends of all kinds": "a\r\n\r\nb\rc\r\r- d\r\n- e\r\n\r\nf",
  "raw html": "<div>\n\n**x**\n\n</div>\n\n<!-- c\n\n-->\n\ny",
  "references across blocks": "See [one] and [two][].\n\ntext\n\n[one]: https://example.org/1\n[two]: https://example.org/2 'T'\n\nlast",
  emphasis: "*a **b** c*\n\n__x\n\ny__\n",
  unicode: "Größe 🙂\n\n- 日本語\n- עברית\n",
};

const html = (nodes: Iterable<ChildNode>) => {
  const box = document.createElement("div");
  box.append(...[...nodes].map((node) => node.cloneNode(true)));
  return box.innerHTML;
};

function pieces(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
}

for (const [name, text] of Object.entries(TEXTS)) {
  test(`${name}: no character is lost`, () => {
    const splitter = new BlockSplitter();
    const settled = [...text].flatMap((character) => splitter.push(character));
    assert.equal((settled.join("") + splitter.tail).replace(/\r\n?/g, "\n"), text.replace(/\r\n?/g, "\n"));
  });

  for (const size of [1, 2, 3, 7, 1000]) {
    test(`${name}: grown by ${size} it ends as if it came whole`, () => {
      const body = document.createElement("message-body") as MessageBody;
      document.body.append(body);
      for (const piece of pieces(text, size)) body.grow(piece);
      if (!/headings|references/.test(name)) assert.equal(html(body.childNodes), html(toNodes(text)), "before settling");
      body.settle();
      assert.equal(html(body.childNodes), html(toNodes(text)));
      assert.equal(body.text, text);
    });
  }
}

test("settled blocks are never touched again", () => {
  const body = document.createElement("message-body") as MessageBody;
  document.body.append(body);
  body.grow("First.\n\n```js\nlet a;\n```\n\nThi");
  const [first, , second] = body.childNodes;
  for (const piece of ["rd", " and ", "**more**", "\n\nfourth"]) body.grow(piece);
  body.settle();
  assert.equal(body.childNodes[0], first);
  assert.equal(body.childNodes[2], second);
});

test("a growing paragraph keeps its text node, and a selection in it", () => {
  const body = document.createElement("message-body") as MessageBody;
  document.body.append(body);
  body.grow("Hel");
  const word = body.firstChild?.firstChild;
  body.grow("lo world");
  assert.equal(body.firstChild?.firstChild, word);
  assert.equal(word?.textContent, "Hello world");
});

test("whole blocks are announced, not pieces", () => {
  const region = document.getElementById("announcer");
  region?.replaceChildren();
  const body = document.createElement("message-body") as MessageBody;
  document.body.append(body);
  for (const character of "One two.\n\nThree") body.grow(character);
  assert.deepEqual([...(region?.children ?? [])].map((line) => line.textContent), ["One two."]);
  body.settle();
  assert.equal(region?.lastElementChild?.textContent, "Three");
});

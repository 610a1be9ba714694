// One renderer for what is stored and what is being written: any text, byte by byte, ends in the DOM of a single rendering.
import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBody } from "../src/elements/message-body";
import { BlockSplitter } from "../src/markdown";
import { renderMarkdown } from "../src/markdown/render";
import { TEXTS, randomText } from "./corpus";

customElements.define("message-body", MessageBody);

const SEEDS = Array.from({ length: 1000 }, (_, i) => i + 1);
const ON_THE_PAGE = 8; // each of their bytes is a rendering

function makeBody(): MessageBody {
  const body = document.createElement("message-body") as MessageBody;
  document.body.append(body);
  return body;
}

/** The bytes of a text as they come over the line: a decoder gives characters when they are whole. */
function* byBytes(text: string): Generator<string> {
  const decoder = new TextDecoder();
  for (const byte of new TextEncoder().encode(text)) yield decoder.decode(Uint8Array.of(byte), { stream: true });
}

async function grown(text: string): Promise<MessageBody> {
  const body = makeBody();
  for (const piece of byBytes(text)) body.grow(piece);
  body.settle();
  await body.drawn;
  return body;
}

async function whole(text: string): Promise<MessageBody> {
  const body = makeBody();
  body.show(text);
  await body.drawn;
  return body;
}

async function assertSame(text: string): Promise<void> {
  const [one, other] = [await grown(text), await whole(text)];
  assert.equal(one.innerHTML, other.innerHTML, JSON.stringify(text));
  one.remove();
  other.remove();
}

/** Footnotes, references and the order of headings reach across blocks: they are mended when the answer ends. */
const REACHES_ACROSS = /\[\^|\^\[|\[\w\]|#|===|---/;

/** At every character the blocks that were cut off and the tail look like the whole text up to there. */
function assertRightAlways(text: string): void {
  const splitter = new BlockSplitter();
  let settled = "";
  [...text].forEach((character, i) => {
    settled += splitter.push(character).map(renderMarkdown).join("");
    const soFar = [...text].slice(0, i + 1).join("");
    assert.equal(settled + renderMarkdown(splitter.tail), renderMarkdown(soFar), JSON.stringify(soFar));
  });
}

for (const [name, text] of Object.entries(TEXTS)) {
  test(`byte by byte: ${name}`, () => assertSame(text));

  test(`no character is lost: ${name}`, () => {
    const splitter = new BlockSplitter();
    const settled = [...text].flatMap((character) => splitter.push(character));
    assert.equal(settled.join("") + splitter.tail, text.replace(/\r\n?/g, "\n"));
  });

  if (!REACHES_ACROSS.test(text)) test(`right at every moment: ${name}`, () => assertRightAlways(text));
}

test("byte by byte: random texts", async () => {
  for (const seed of SEEDS.slice(0, ON_THE_PAGE)) await assertSame(randomText(seed));
});

test("random texts are right at every moment", () => {
  const texts = SEEDS.map((seed) => randomText(seed).split(REACHES_ACROSS).join(" ")).filter((text) => !REACHES_ACROSS.test(text));
  assert.ok(texts.length > 900);
  texts.forEach(assertRightAlways);
});

test("random texts are the same every time, and not each other", () => {
  assert.equal(randomText(7), randomText(7));
  assert.equal(new Set(SEEDS.map(randomText)).size, SEEDS.length);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser, type ServerEvent } from "../src/stream/parser";

function parse(text: string, size = Infinity): ServerEvent[] {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const bytes = new TextEncoder().encode(text);
  const events: ServerEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    events.push(...parser.push(decoder.decode(bytes.subarray(at, Math.min(bytes.length, at + size)), { stream: true })));
  }
  return events;
}

const STREAM = 'retry: 1000\n\nid: 0\nevent: start\ndata: {"title":"Größe 🙂"}\n\n: still here\n\nid: 5\nevent: delta\ndata: {"content":"a\\n\\nb"}\n\n';

test("it works", () => {
  assert.deepEqual(parse(STREAM), [
    { type: "start", data: '{"title":"Größe 🙂"}', id: "0" },
    { type: "delta", data: '{"content":"a\\n\\nb"}', id: "5" },
  ]);
});

test("where the bytes are cut makes no difference", () => {
  const whole = parse(STREAM);
  for (const size of [1, 2, 3, 5, 7, 16]) assert.deepEqual(parse(STREAM, size), whole);
});

test("every kind of line end is one", () => {
  const whole = parse(STREAM);
  for (const end of ["\r\n", "\r"]) {
    const text = STREAM.replaceAll("\n", end);
    for (const size of [1, 2, 3, Infinity]) assert.deepEqual(parse(`${text}${end}`, size), whole);
  }
});

test("lines of data are joined", () => assert.equal(parse("data: a\ndata:b\ndata\n\n")[0]?.data, "a\nb\n"));

test("comments and empty events are silent", () => assert.deepEqual(parse(": heartbeat\n\nevent: delta\n\n:\n\n"), []));

test("an unfinished event is not one", () => assert.deepEqual(parse("id: 1\nevent: delta\ndata: {}\n"), []));

test("the id stays until it changes", () => {
  assert.deepEqual(parse("id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n").map(({ id }) => id), ["7", "7", ""]);
});

test("a byte order mark is skipped, and only at the start", () => {
  assert.deepEqual(parse("\uFEFFdata: a\n\n").map(({ data }) => data), ["a"]);
});

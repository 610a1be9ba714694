import assert from "node:assert/strict";
import { test } from "node:test";
import { DeltaBuffer } from "../src/stream/buffer";
import type { Delta } from "../src/stream/types";

function recorder() {
  const frames: (() => void)[] = [];
  const taken: Required<Delta>[] = [];
  return { frames, taken, buffer: new DeltaBuffer((delta) => taken.push(delta), (flush) => frames.push(flush)) };
}

test("what arrives within a frame is shown once", () => {
  const { frames, taken, buffer } = recorder();
  buffer.push({ content: "Hel" });
  buffer.push({ content: "lo", thinking: "hm" });
  assert.equal(frames.length, 1);
  assert.deepEqual(taken, []);
  frames[0]?.();
  assert.deepEqual(taken, [{ content: "Hello", thinking: "hm", tools: "" }]);
});

test("the next piece asks for the next frame", () => {
  const { frames, taken, buffer } = recorder();
  for (const content of ["a", "b", "c"]) {
    buffer.push({ content });
    frames.at(-1)?.();
  }
  assert.equal(frames.length, 3);
  assert.equal(taken.map(({ content }) => content).join(""), "abc");
});

test("flushing early leaves nothing for the frame", () => {
  const { frames, taken, buffer } = recorder();
  buffer.push({ content: "end" });
  buffer.flush();
  frames[0]?.();
  assert.deepEqual(taken, [{ content: "end", thinking: "", tools: "" }]);
});

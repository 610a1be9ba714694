import assert from "node:assert/strict";
import { test } from "node:test";
import { contextSentence, contextWarning, factsOf, modelDetails, queueSentence } from "../src/lib/sentences";

const cases: [number, number, string][] = [
  [2, 40, "Place 2 in the queue, about 40 seconds"],
  [1, 1, "Place 1 in the queue, about 1 second"],
  [1, 0, "Place 1 in the queue, about 1 second"],
  [3, 90, "Place 3 in the queue, about 90 seconds"],
  [3, 91, "Place 3 in the queue, about 2 minutes"],
  [9, 600, "Place 9 in the queue, about 10 minutes"],
];

for (const [place, seconds, sentence] of cases) {
  test(sentence, () => assert.equal(queueSentence(place, seconds), sentence));
}

const roomy = { context_length: 4096, used_tokens: 1234, is_estimate: false, dropped_messages: 0, room: 2000 };

test("what is counted is told plainly, what is estimated as such", () => {
  assert.equal(contextSentence(roomy), "1,234 of 4,096 tokens used.");
  assert.equal(contextSentence({ ...roomy, is_estimate: true }), "About 1,234 of 4,096 tokens used.");
});

test("a warning comes before anything is left out, and another one then", () => {
  assert.equal(contextWarning(roomy), "");
  assert.match(contextWarning({ ...roomy, room: 400 }), /Soon/);
  assert.match(contextWarning({ ...roomy, room: -5, dropped_messages: 1 }), /the oldest message: it no longer fits/);
  assert.match(contextWarning({ ...roomy, room: -5, dropped_messages: 3 }), /the oldest 3 messages/);
});

test("only what is known of an answer is listed", () => {
  assert.deepEqual(factsOf({}), []);
  assert.deepEqual(factsOf({ first_token_ms: 0, duration_ms: 1500, prompt_tokens: 7, completion_tokens: 30 }), [
    ["First word after", "0.0 s"],
    ["Speed", "20 tokens/s"],
    ["Took", "1.5 s"],
    ["Tokens read", "7"],
    ["Tokens written", "30"],
  ]);
});

test("only what is known of a model is told", () => {
  assert.equal(modelDetails({ name: "x", provider: "ollama" }), "ollama");
  assert.equal(modelDetails({ name: "x", provider: "ollama", size_bytes: 5.2e9, loaded: false, capabilities: ["completion"] }), "ollama · 5.2 GB");
});

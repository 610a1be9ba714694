import assert from "node:assert/strict";
import { test } from "node:test";
import { queueSentence } from "../src/lib/sentences";

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

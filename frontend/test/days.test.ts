import assert from "node:assert/strict";
import { test } from "node:test";
import { heading } from "../src/lib/days";

const now = new Date(2026, 2, 15, 0, 30); // just after midnight
const cases: [Date, string][] = [
  [new Date(2026, 2, 15, 0, 10), "Today"],
  [new Date(2026, 2, 15, 9, 0), "Today"],
  [new Date(2026, 2, 14, 23, 59), "Yesterday"],
  [new Date(2026, 2, 13, 23, 59), "Previous 7 days"],
  [new Date(2026, 2, 8, 0, 0), "Previous 7 days"],
  [new Date(2026, 2, 7, 23, 59), "Previous 30 days"],
  [new Date(2026, 1, 13, 0, 0), "Previous 30 days"],
  [new Date(2026, 1, 12, 0, 0), "February"],
  [new Date(2025, 11, 31, 0, 0), "December 2025"],
];

for (const [moment, name] of cases) test(`${moment.toISOString()} is under ${name}`, () => assert.equal(heading(moment, now), name));

// What the page says in words of its own about an answer.
import type { Usage } from "../stream/types";

/** How fast the words came, for the reader; "" when the server did not count. */
export function speedOf(usage: Usage = {}): string {
  const milliseconds = (usage.duration_ms ?? 0) - (usage.first_token_ms ?? 0);
  if (!usage.completion_tokens || milliseconds <= 0) return "";
  return `${Math.max(1, Math.round((usage.completion_tokens * 1000) / milliseconds))} tokens/s`;
}

/** That the oldest messages were not given to the model. */
export function droppedSentence(count: number): string {
  const [which, were] = count === 1 ? ["message no longer fits", "was"] : [`${count} messages no longer fit`, "were"];
  return `The oldest ${which} into the model’s memory and ${were} left out.`;
}

/** How long the model thought before its first word. */
export function thoughtFor(milliseconds: number): string {
  return `Thought for ${Math.max(1, Math.round(milliseconds / 1000))} s`;
}

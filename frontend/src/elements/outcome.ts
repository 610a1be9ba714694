// What stands around an answer's words: how it ended, what it cost, what the model was not told.
import { part } from "../lib/dom";
import { speedOf, thoughtFor } from "../lib/sentences";
import type { ToolCall, Usage } from "../stream/types";

/** Tokens and times of an answer. */
export function usageOf(item: HTMLElement): Usage {
  return JSON.parse(item.dataset.usage || "{}") as Usage;
}

export function noteUsage(item: HTMLElement, usage: Usage = {}): void {
  item.dataset.usage = JSON.stringify(usage);
  part(item, "speed").textContent = speedOf(usage);
  if (usage.thinking_ms != null) part(item, "reasoning-label").textContent = thoughtFor(usage.thinking_ms);
}

/** Notes how many messages the model was not given for this answer; the list shows where they end. */
export function noteDropped(item: HTMLElement, count: number): void {
  item.dataset.dropped = String(count);
  item.dispatchEvent(new CustomEvent("message-dropped", { bubbles: true }));
}

/** Shows the tools that the model asks for. */
export function noteTools(item: HTMLElement, calls: ToolCall[]): void {
  part(item, "tools-wanted").hidden = calls.length === 0;
  part(item, "tool-names").textContent = calls.map(({ name }) => name).join(", ");
  const lines = calls.map((call) => `${call.name} ${JSON.stringify(call.arguments, null, 2)}`);
  part(item, "tool-lines").textContent = lines.join("\n");
}

/** The tools in lines of JSON. */
export function readTools(lines: string): ToolCall[] {
  return lines.split("\n").filter(Boolean).map((line) => JSON.parse(line) as ToolCall);
}

/** Shows why the answer did not end as it should and, if there is a question to ask again, a button for it. */
export function complain(item: HTMLElement, sentence: string, questionId: string | null): void {
  part(item, "notice").hidden = false;
  part(item, "notice-text").textContent = sentence;
  const retry = part(item, "retry");
  retry.hidden = !questionId;
  retry.dataset.questionId = questionId ?? "";
}

/** The reason that stands below an answer that did not end as it should. */
export function complaintOf(item: HTMLElement): string {
  return part(item, "notice-text").textContent ?? "";
}

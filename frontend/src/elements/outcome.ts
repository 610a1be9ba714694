// What stands around an answer's words: how it ended, what it cost, what the model was not told.
import { part } from "../lib/dom";
import { droppedSentence, speedOf } from "../lib/sentences";
import type { Usage } from "../stream/types";

/** Tokens and times of an answer. */
export function usageOf(item: HTMLElement): Usage {
  return JSON.parse(item.dataset.usage || "{}") as Usage;
}

export function noteUsage(item: HTMLElement, usage: Usage = {}): void {
  item.dataset.usage = JSON.stringify(usage);
  part(item, "speed").textContent = speedOf(usage);
}

/** Says that old messages were left out of what the model was given. */
export function noteDropped(item: HTMLElement, count: number): void {
  part(item, "dropped").hidden = count === 0;
  part(item, "dropped").textContent = droppedSentence(count);
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

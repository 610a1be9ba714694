// Shows messages as the server keeps them.
import type { MessageItem } from "../elements/message-item";
import { complain, noteTools, noteUsage } from "../elements/outcome";
import { showSiblings } from "../elements/versions";
import { part } from "../lib/dom";
import { NO_ANSWER } from "../lib/sentences";
import type { StoredMessage } from "./stored";

/** Fills a message that stands on the page; the words of a running one come by its stream. */
export function restore(item: MessageItem, stored: StoredMessage): void {
  item.dataset.id = stored.id;
  item.status = stored.status;
  item.dataset.depth = String(stored.depth);
  showSiblings(item, stored.siblings);
  item.body.show(stored.content);
  if (stored.role === "assistant") restoreAnswer(item, stored);
}

/** Adds what stands around the words of an answer. */
export function restoreAnswer(item: MessageItem, stored: StoredMessage): void {
  item.dataset.question = stored.parent_id ?? "";
  item.dataset.end = stored.end_reason ?? "";
  item.noteModel(stored.model ?? "");
  item.noteThoughts(stored.reasoning ?? "");
  noteTools(item, stored.tool_calls);
  item.dataset.dropped = String(stored.dropped_messages ?? 0);
  noteUsage(item, stored.usage ?? {});
  part(item, "notice").hidden = true;
  if (stored.error) complain(item, stored.error, stored.parent_id);
}

/** Lets a message stand for the answer that a kept question does not have. */
export function standIn(item: MessageItem, questionId: string): void {
  item.dataset.question = questionId;
  item.status = "failed";
  complain(item, NO_ANSWER, questionId);
}

// <message-item>: one message with everything around its words: reasoning, notices, tools. Its markup is the server's.
import { announce } from "../lib/announce";
import { find, fromTemplate, need, part } from "../lib/dom";
import { DeltaBuffer } from "../stream/buffer";
import type { Delta, Usage } from "../stream/types";
import { MessageBody } from "./message-body";
import { complain, noteTools, noteUsage, readTools, usageOf } from "./outcome";
import { Thoughts } from "./thoughts";
import { showSiblings, siblingsOf } from "./versions";

export type Role = "user" | "assistant";
export type Status = "pending" | "streaming" | "complete" | "stopped" | "interrupted" | "failed";

export class MessageItem extends HTMLElement {
  #buffer = new DeltaBuffer((delta) => this.#show(delta));
  #thoughts = new Thoughts(this);
  #calls = "";

  connectedCallback(): void {
    if (find('[data-part="tools"]', HTMLElement, this)) return;
    this.#complete();
    showSiblings(this, siblingsOf(this));
    if (this.dataset.role === "user") return;
    this.noteModel(this.dataset.model ?? "");
    noteUsage(this, usageOf(this));
    noteTools(this, readTools(part(this, "tool-lines").textContent ?? ""));
  }

  /** The server wrote only the parts that have something to say; the others come from the page's template, in their places. */
  #complete(): void {
    const whole = fromTemplate(this.dataset.role === "user" ? "question-parts" : "answer-parts", HTMLElement);
    for (const own of [...this.children]) {
      if (own instanceof HTMLElement) part(whole, own.dataset.part ?? "").replaceWith(own);
    }
    this.replaceChildren(...whole.children);
  }

  /** A new, empty message for the page. */
  static make(role: Role): MessageItem {
    return fromTemplate(`message-${role}`, MessageItem);
  }

  get status(): Status {
    return this.dataset.status as Status;
  }

  set status(status: Status) {
    this.dataset.status = status;
  }

  get isRunning(): boolean {
    return this.status === "pending" || this.status === "streaming";
  }

  get body(): MessageBody {
    return need('[data-part="text"]', MessageBody, this);
  }

  /** Empties the message: what follows is the whole answer from its first character. */
  restart(): void {
    this.status = "pending";
    part(this, "notice").hidden = true;
    this.#thoughts.replay();
    this.#calls = "";
    noteTools(this, []);
    this.body.show("");
  }

  /** Shows the thoughts of an answer that came whole. */
  noteThoughts(text: string): void {
    this.#thoughts.show(text);
  }

  noteModel(model: string): void {
    this.dataset.model = model;
    part(this, "model").textContent = model;
  }

  /** Says that others come first; "" when it is this one's turn. */
  noteQueue(sentence: string): void {
    this.#buffer.flush(); // words that came before this must not take it away
    const note = part(this, "queue");
    if (note.hidden) announce(sentence);
    note.textContent = sentence;
    note.hidden = !sentence;
  }

  grow(delta: Delta): void {
    this.#buffer.push(delta);
  }

  /** The end of a streamed answer. */
  finish(status: Status, usage?: Usage, endReason?: string | null): void {
    this.noteQueue("");
    this.#buffer.flush();
    this.#thoughts.end();
    this.status = status;
    this.dataset.end = endReason ?? "";
    this.body.settle();
    noteUsage(this, usage);
    if (status === "stopped") announce("Stopped.");
    this.#changed();
  }

  /** A whole answer at once. */
  fill(text: string, usage?: Usage): void {
    this.status = "complete";
    this.body.show(text);
    noteUsage(this, usage);
    announce(text);
    this.#changed();
  }

  /** A whole answer that broke off. */
  break(text: string, sentence: string, questionId: string | null): void {
    this.body.show(text);
    this.fail(sentence, questionId);
  }

  /** The end that nobody wanted. */
  fail(sentence: string, questionId: string | null): void {
    this.finish("failed");
    complain(this, sentence, questionId);
    announce(sentence);
  }

  #show({ content, thinking, tools }: Required<Delta>): void {
    this.status = "streaming";
    this.noteQueue("");
    if (thinking) this.#thoughts.grow(thinking);
    if (content || tools) this.#thoughts.end();
    if (content) this.body.grow(content);
    if (tools) noteTools(this, readTools((this.#calls += tools)));
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new CustomEvent("message-changed", { bubbles: true }));
  }
}

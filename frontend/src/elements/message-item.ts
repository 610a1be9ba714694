// <message-item>: one message with everything around its words: reasoning, notices, tools. Its markup is the server's.
import { announce } from "../lib/announce";
import { find, fromTemplate, need, part } from "../lib/dom";
import { droppedSentence, speedOf } from "../lib/sentences";
import { DeltaBuffer } from "../stream/buffer";
import type { Delta, Usage } from "../stream/types";
import { MessageBody } from "./message-body";
import { Thoughts } from "./thoughts";

export type Role = "user" | "assistant";
export type Status = "pending" | "streaming" | "complete" | "stopped" | "interrupted" | "failed";

export class MessageItem extends HTMLElement {
  #buffer = new DeltaBuffer((delta) => this.#show(delta));
  #thoughts = new Thoughts(this);

  connectedCallback(): void {
    if (this.dataset.role !== "assistant" || find('[data-part="tools"]', HTMLElement, this)) return;
    this.#complete();
    this.noteModel(this.dataset.model ?? "");
    part(this, "speed").textContent = this.dataset.speed ?? "";
  }

  /** The server wrote only the parts that have something to say; the others come from the page's template, in their places. */
  #complete(): void {
    const whole = fromTemplate("answer-parts", HTMLElement);
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
    this.noteThoughts("");
    this.body.show("");
  }

  /** Says that old messages were left out of what the model was given. */
  noteDropped(count: number): void {
    part(this, "dropped").hidden = count === 0;
    part(this, "dropped").textContent = droppedSentence(count);
  }

  /** Shows the thoughts of an answer that came whole. */
  noteThoughts(text: string): void {
    this.#thoughts.show(text);
  }

  noteModel(model: string): void {
    part(this, "model").textContent = model;
  }

  grow(delta: Delta): void {
    this.#buffer.push(delta);
  }

  /** The end of a streamed answer. */
  finish(status: Status, usage?: Usage): void {
    this.#buffer.flush();
    this.#thoughts.end();
    this.status = status;
    this.body.settle();
    part(this, "speed").textContent = speedOf(usage);
    if (status === "stopped") announce("Stopped.");
    this.#changed();
  }

  /** The reason that stands below an answer that did not end as it should. */
  get complaint(): string {
    return part(this, "notice-text").textContent ?? "";
  }

  /** A whole answer at once. */
  fill(text: string, usage?: Usage): void {
    this.status = "complete";
    this.body.show(text);
    part(this, "speed").textContent = speedOf(usage);
    announce(text);
    this.#changed();
  }

  /** A whole answer that broke off. */
  break(text: string, sentence: string, questionId: string | null): void {
    this.body.show(text);
    this.fail(sentence, questionId);
  }

  /** The end that nobody wanted, with the reason and, if there is a question to ask again, a button for it. */
  fail(sentence: string, questionId: string | null): void {
    this.finish("failed");
    part(this, "notice").hidden = false;
    part(this, "notice-text").textContent = sentence;
    const retry = part(this, "retry");
    retry.hidden = !questionId;
    retry.dataset.questionId = questionId ?? "";
    announce(sentence);
  }

  #show({ content, thinking }: Required<Delta>): void {
    this.status = "streaming";
    if (thinking) this.#thoughts.grow(thinking);
    if (content) {
      this.#thoughts.end();
      this.body.grow(content);
    }
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new CustomEvent("message-changed", { bubbles: true }));
  }
}

// What the model thought before its answer: folded away inside the message, with how long it took.
import { need, part } from "../lib/dom";
import { thoughtFor } from "../lib/sentences";
import { MessageBody } from "./message-body";

export class Thoughts {
  #since = 0;
  #isReplayed = false;

  constructor(private readonly message: HTMLElement) {}

  /** Shows the thoughts of an answer that came whole. */
  show(text: string): void {
    part(this.message, "reasoning").hidden = !text;
    this.#label = "Thoughts";
    this.#body.show(text);
  }

  /** What follows was thought before it came here, or some of it: nobody here knows how long that took. */
  replay(): void {
    this.show("");
    this.#isReplayed = true;
  }

  grow(piece: string): void {
    const details = part(this.message, "reasoning");
    if (details.hidden) {
      details.hidden = false;
      this.#since = Date.now();
      this.#label = "Thinking…";
    }
    this.#body.grow(piece);
  }

  /** The first word of the answer ends the thinking. At its end the server says more exactly how long that took. */
  end(): void {
    if (!this.#since) return;
    this.#label = this.#isReplayed ? "Thoughts" : thoughtFor(Date.now() - this.#since);
    this.#since = 0;
  }

  get #body(): MessageBody {
    return need('[data-part="thought"]', MessageBody, this.message);
  }

  set #label(words: string) {
    part(this.message, "reasoning-label").textContent = words;
  }
}

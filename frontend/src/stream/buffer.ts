// Joins what arrives between two frames, so that a fast model costs one layout a frame and not one a token.
import type { Delta } from "./types";

type Schedule = (flush: () => void) => void;

/** The next frame; in a hidden tab, where frames stop, a timer. */
function onNextFrame(flush: () => void): void {
  if (document.hidden) setTimeout(flush, 100);
  else requestAnimationFrame(flush);
}

export class DeltaBuffer {
  #content = "";
  #thinking = "";
  #tools = "";
  #isScheduled = false;

  constructor(
    private readonly take: (delta: Required<Delta>) => void,
    private readonly schedule: Schedule = onNextFrame,
  ) {}

  push(delta: Delta): void {
    this.#content += delta.content ?? "";
    this.#thinking += delta.thinking ?? "";
    this.#tools += delta.tools ?? "";
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.schedule(() => this.flush());
  }

  /** Hands over what is waiting, now. */
  flush(): void {
    this.#isScheduled = false;
    const delta = { content: this.#content, thinking: this.#thinking, tools: this.#tools };
    if (!delta.content && !delta.thinking && !delta.tools) return;
    this.#content = this.#thinking = this.#tools = "";
    this.take(delta);
  }
}

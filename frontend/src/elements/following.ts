// Follows the newest words of a scrolling list, only while the reader is at its end.
import { need } from "../lib/dom";

const NEAR_PX = 96;

export class Following {
  #isOn = true;

  /** `isEmpty` tells whether there is nothing to follow yet, `hasMore` whether the list goes on beyond its end. */
  constructor(
    private readonly list: HTMLElement,
    private readonly isEmpty: () => boolean,
    private readonly hasMore: () => boolean,
  ) {}

  /** Stays where the reader is, whatever grows. */
  stop(): void {
    this.#isOn = false;
  }

  /** Goes to the end and stays there; to the start, where there is nothing yet. */
  toLatest(smoothly = false): void {
    this.#isOn = true;
    const top = this.isEmpty() ? 0 : this.list.scrollHeight;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.list.scrollTo({ top, behavior: smoothly && !isCalm ? "smooth" : "instant" });
    this.#showJump();
  }

  /** The list has grown, or has another size. */
  keepUp(): void {
    if (this.#isOn && !this.isEmpty()) this.list.scrollTop = this.list.scrollHeight;
    this.#showJump();
  }

  /** The reader has moved. */
  look(): void {
    this.#isOn = !this.hasMore() && this.#distance < NEAR_PX;
    this.#showJump();
  }

  #showJump(): void {
    const isAtEnd = !this.hasMore() && (this.#isOn || this.#distance < NEAR_PX);
    need("#jump-to-latest", HTMLButtonElement).hidden = isAtEnd || this.isEmpty();
  }

  get #distance(): number {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight;
  }
}

// Follows the newest words of a scrolling list, only while the reader is at its end.
import { need } from "../lib/dom";

const NEAR_PX = 96;

export class Following {
  #isOn = true;

  /** `hasMore` tells whether the list goes on beyond its end. */
  constructor(
    private readonly list: HTMLElement,
    private readonly hasMore: () => boolean,
  ) {}

  /** Stays where the reader is, whatever grows. */
  stop(): void {
    this.#isOn = false;
  }

  /** Goes to the end and stays there. */
  toLatest(smoothly = false): void {
    this.#isOn = true;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.list.scrollTo({ top: this.list.scrollHeight, behavior: smoothly && !isCalm ? "smooth" : "instant" });
    this.#showJump();
  }

  /** The list has grown, or has another size. */
  keepUp(): void {
    if (this.#isOn) this.list.scrollTop = this.list.scrollHeight;
    this.#showJump();
  }

  /** The reader has moved. */
  look(): void {
    this.#isOn = !this.hasMore() && this.#distance < NEAR_PX;
    this.#showJump();
  }

  #showJump(): void {
    need("#jump-to-latest", HTMLButtonElement).hidden = !this.hasMore() && (this.#isOn || this.#distance < NEAR_PX);
  }

  get #distance(): number {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight;
  }
}

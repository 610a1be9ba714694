// <message-list>: the scrolling conversation. Follows the newest words only while the reader is at the end.
import { find, need, part } from "../lib/dom";
import { MessageItem, type Role } from "./message-item";

const NEAR_PX = 96;

export class MessageList extends HTMLElement {
  #isFollowing = true;

  connectedCallback(): void {
    this.addEventListener("scroll", () => this.#look(), { passive: true });
    this.addEventListener("message-changed", () => this.#keepUp());
    need("#jump-to-latest", HTMLButtonElement).addEventListener("click", () => this.toLatest(true));
    new ResizeObserver(() => this.#keepUp()).observe(this);
    new ResizeObserver(() => this.#keepUp()).observe(part(this, "messages"));
    if (!this.#toLinked()) this.toLatest();
    addEventListener("hashchange", () => this.#toLinked());
  }

  /** Shows the message that the address names, if it is here. */
  #toLinked(): boolean {
    const linked = location.hash ? find(`#${CSS.escape(location.hash.slice(1))}`, MessageItem, this) : null;
    if (linked) this.#isFollowing = false;
    linked?.scrollIntoView({ block: "center" });
    return linked !== null;
  }

  get items(): MessageItem[] {
    return [...this.querySelectorAll<MessageItem>("message-item")];
  }

  get last(): MessageItem | null {
    return this.items.at(-1) ?? null;
  }

  /** Puts a new message at the end and goes there. */
  add(role: Role): MessageItem {
    find("#empty-state", HTMLElement)?.remove();
    const item = MessageItem.make(role);
    part(this, "messages").append(item);
    this.toLatest();
    return item;
  }

  /** Puts a new answer where an old one was. */
  replace(item: MessageItem): MessageItem {
    item.remove();
    return this.add("assistant");
  }

  /** Goes to the end and stays there. */
  toLatest(smoothly = false): void {
    this.#isFollowing = true;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scrollTo({ top: this.scrollHeight, behavior: smoothly && !isCalm ? "smooth" : "instant" });
    this.#showJump();
  }

  #keepUp(): void {
    if (this.#isFollowing) this.scrollTop = this.scrollHeight;
    this.#showJump();
  }

  #look(): void {
    this.#isFollowing = this.#distance < NEAR_PX;
    this.#showJump();
  }

  #showJump(): void {
    need("#jump-to-latest", HTMLButtonElement).hidden = this.#isFollowing || this.#distance < NEAR_PX;
  }

  get #distance(): number {
    return this.scrollHeight - this.scrollTop - this.clientHeight;
  }
}

// <message-list>: the scrolling conversation. Follows the newest words only while the reader is at the end.
import { restore, standIn } from "../conversation/restore";
import type { StoredBranch, StoredMessage } from "../conversation/stored";
import { find, fromTemplate, need, part } from "../lib/dom";
import { markDropped } from "./dropped-line";
import { MessageItem, type Role } from "./message-item";
import { showSiblings } from "./versions";

const NEAR_PX = 96;

export class MessageList extends HTMLElement {
  #isFollowing = true;

  connectedCallback(): void {
    this.addEventListener("scroll", () => this.#look(), { passive: true });
    this.addEventListener("message-changed", () => this.#keepUp());
    this.addEventListener("message-dropped", ({ target }) => target === this.last && markDropped(this));
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

  /** The last message that the server has: what comes next follows it. */
  get leaf(): string {
    return this.last?.dataset.id || this.last?.dataset.question || "";
  }

  withId(id: string): MessageItem | null {
    return find(`message-item[data-id="${CSS.escape(id)}"]`, MessageItem, this);
  }

  /** Puts a new message at the end and goes there. */
  add(role: Role): MessageItem {
    find("#empty-state", HTMLElement)?.remove();
    const item = this.#append(role);
    this.toLatest();
    return item;
  }

  /** Takes a message and all that follow it off the page. Gives what puts them back, in place of whatever came there since. */
  cutFrom(item: MessageItem): () => void {
    const { items } = this;
    const at = items.indexOf(item);
    const kept = items.slice(0, at);
    const gone = items.slice(at);
    for (const each of gone) each.remove();
    return () => {
      for (const each of this.items) if (!kept.includes(each)) each.remove();
      part(this, "messages").append(...gone);
    };
  }

  /** Shows a branch. What stands there already stays untouched, so that nobody loses the place, a selection or the focus. */
  show({ messages, has_older }: StoredBranch): void {
    const { items } = this;
    const start = Math.max(0, items.findIndex(({ dataset }) => dataset.id === messages[0]?.id));
    let same = 0;
    while (messages[same] && items[start + same]?.dataset.id === messages[same]?.id) same += 1;
    messages.slice(0, same).forEach((stored, at) => this.#renew(items[start + at], stored));
    for (const item of same ? items.slice(start + same) : items) item.remove();
    for (const stored of messages.slice(same)) restore(this.#append(stored.role), stored);
    const last = messages.at(-1);
    if (last?.role === "user") standIn(this.#append("assistant"), last.id);
    if (start === 0) this.#noteOlder(has_older);
    markDropped(this);
    this.#keepUp();
  }

  /** Puts older messages on top; what the reader sees stays where it is. */
  showOlder({ messages, has_older }: StoredBranch): void {
    const first = this.items[0] ?? null;
    const fromEnd = this.scrollHeight - this.scrollTop;
    for (const stored of messages) {
      const item = MessageItem.make(stored.role);
      part(this, "messages").insertBefore(item, first);
      restore(item, stored);
    }
    this.#noteOlder(has_older);
    markDropped(this);
    this.scrollTop = this.scrollHeight - fromEnd;
  }

  /** Stays where the reader is, whatever grows. */
  stay(): void {
    this.#isFollowing = false;
  }

  /** Goes to the end and stays there. */
  toLatest(smoothly = false): void {
    this.#isFollowing = true;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scrollTo({ top: this.scrollHeight, behavior: smoothly && !isCalm ? "smooth" : "instant" });
    this.#showJump();
  }

  #append(role: Role): MessageItem {
    const item = MessageItem.make(role);
    part(this, "messages").append(item);
    return item;
  }

  #renew(item: MessageItem | undefined, stored: StoredMessage): void {
    if (!item) return;
    if (item.status !== stored.status && !item.isRunning) restore(item, stored);
    else showSiblings(item, stored.siblings);
  }

  #noteOlder(hasOlder: boolean): void {
    find("#older-messages", HTMLElement, this)?.remove();
    const oldest = this.items[0]?.dataset.id;
    if (!hasOlder || !oldest) return;
    const link = fromTemplate("older-link", HTMLAnchorElement);
    link.href = `?before=${oldest}`;
    part(this, "messages").prepend(link);
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

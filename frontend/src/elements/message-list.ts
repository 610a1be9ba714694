// <message-list>: the scrolling conversation. Follows the newest words only while the reader is at the end.
import { restore, standIn } from "../conversation/restore";
import type { StoredBranch, StoredMessage } from "../conversation/stored";
import { find, need, part } from "../lib/dom";
import { markDropped } from "./dropped-line";
import { noteNewer, noteOlder } from "./edges";
import { Following } from "./following";
import { MessageItem, type Role } from "./message-item";
import { showSiblings } from "./versions";

export class MessageList extends HTMLElement {
  readonly #following = new Following(this, () => !this.last, () => this.newest !== "");

  connectedCallback(): void {
    this.addEventListener("scroll", () => this.#following.look(), { passive: true });
    this.addEventListener("message-changed", () => this.#following.keepUp());
    this.addEventListener("message-dropped", ({ target }) => target === this.last && markDropped(this));
    need("#jump-to-latest", HTMLButtonElement).addEventListener("click", () => this.toLatest(true));
    new ResizeObserver(() => this.#following.keepUp()).observe(this);
    new ResizeObserver(() => this.#following.keepUp()).observe(part(this, "messages"));
    if (!this.#toLinked()) this.toLatest();
    addEventListener("hashchange", () => this.#toLinked());
  }

  /** Shows the message that the address names, if it is here. */
  #toLinked(): boolean {
    const linked = location.hash ? find(`#${CSS.escape(location.hash.slice(1))}`, MessageItem, this) : null;
    if (linked) this.stay();
    linked?.scrollIntoView({ block: "center" });
    return linked !== null;
  }

  get items(): MessageItem[] {
    return [...this.querySelectorAll<MessageItem>("message-item")];
  }

  get last(): MessageItem | null {
    return this.items.at(-1) ?? null;
  }

  /** The newest message of the branch, where there are others between it and the last one here; else "". */
  get newest(): string {
    return this.dataset.newest ?? "";
  }

  /** The last message that the server has: what comes next follows it. */
  get leaf(): string {
    return this.newest || this.last?.dataset.id || this.last?.dataset.question || "";
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
    const { items, newest } = this;
    const at = items.indexOf(item);
    const kept = items.slice(0, at);
    const gone = items.slice(at);
    for (const each of gone) each.remove();
    this.#noteNewest("");
    return () => {
      for (const each of this.items) if (!kept.includes(each)) each.remove();
      part(this, "messages").append(...gone);
      this.#noteNewest(newest);
    };
  }

  /** Shows a branch. What stands there already stays untouched, so that nobody loses the place, a selection or the focus. */
  show({ messages, has_older, newest_id }: StoredBranch): void {
    const { items } = this;
    const start = Math.max(0, items.findIndex(({ dataset }) => dataset.id === messages[0]?.id));
    let same = 0;
    while (messages[same] && items[start + same]?.dataset.id === messages[same]?.id) same += 1;
    messages.slice(0, same).forEach((stored, at) => this.#renew(items[start + at], stored));
    for (const item of same ? items.slice(start + same) : items) item.remove();
    this.#extend(messages.slice(same), newest_id);
    if (start === 0) this.#noteOlder(has_older);
    markDropped(this);
    this.#following.keepUp();
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

  /** Puts newer messages below; what the reader sees stays where it is. */
  showNewer({ messages, newest_id }: StoredBranch): void {
    this.stay();
    this.#extend(messages, newest_id);
    markDropped(this);
  }

  #extend(messages: StoredMessage[], newest: string | null): void {
    for (const stored of messages) restore(this.#append(stored.role), stored);
    const { last } = this;
    if (!newest && last?.dataset.role === "user") standIn(this.#append("assistant"), last.dataset.id ?? "");
    this.#noteNewest(newest);
  }

  /** Stays where the reader is, whatever grows. */
  stay(): void {
    this.#following.stop();
  }

  /** Goes to the end and stays there. */
  toLatest(smoothly = false): void {
    this.#following.toLatest(smoothly);
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
    noteOlder(part(this, "messages"), hasOlder ? this.items[0]?.dataset.id : "");
  }

  #noteNewest(id: string | null): void {
    this.dataset.newest = id ?? "";
    noteNewer(part(this, "messages"), this.newest, this.last?.dataset.id);
  }
}

// The menu of a conversation: one for the whole list, opened by its button, a right click, or the menu key.
import type { ConversationList } from "../elements/conversation-list";
import { find, need, part } from "../lib/dom";
import { archive, change, move, remove, rename } from "./conversation-deeds";
import { Popup } from "./popup";

export class ConversationMenu {
  readonly #menu = need("#conversation-menu", HTMLElement);
  readonly #popup = new Popup(this.#menu, "right");
  #item: HTMLElement | null = null;

  constructor(private readonly list: ConversationList) {
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("contextmenu", (event) => this.#asked(event));
    list.addEventListener("keydown", (event) => this.#walk(event));
    this.#menu.addEventListener("click", (event) => this.#chosen(event));
    this.#menu.addEventListener("toggle", () => this.#item?.toggleAttribute("data-menu", this.#menu.matches(":popover-open")));
  }

  #clicked(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-part="menu"]') : null;
    if (button) this.#open(button);
  }

  #asked(event: MouseEvent): void {
    const item = event.target instanceof Element ? event.target.closest<HTMLElement>("li[data-id]") : null;
    if (!item || find("input", HTMLInputElement, item)) return;
    event.preventDefault();
    this.#open(part(item, "menu"));
  }

  #open(button: HTMLElement): void {
    this.#item = button.closest<HTMLElement>("li");
    const isPinned = Boolean(this.#item?.dataset.pinned);
    part(this.#menu, "pin-label").textContent = isPinned ? "Unpin" : "Pin";
    part(this.#menu, "archive-label").textContent = this.list.dataset.archived === "true" ? "Take out of the archive" : "Archive";
    this.#popup.open(button);
  }

  #chosen(event: Event): void {
    const deed = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-deed]")?.dataset.deed : undefined;
    const item = this.#item;
    if (!deed || !item) return;
    part(item, "menu").focus();
    this.#menu.hidePopover();
    if (deed === "pin") void change(this.list, item, { pinned: !item.dataset.pinned });
    else if (deed === "rename") rename(this.list, item);
    else if (deed === "move") void move(this.list, item);
    else if (deed === "archive") void archive(this.list, item);
    else void remove(this.list, item);
  }

  /** Arrows go from conversation to conversation, F2 renames, Delete deletes. */
  #walk(event: KeyboardEvent): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("li[data-id] > a") : null;
    const item = link?.closest("li");
    if (!link || !item) return;
    const { links } = this.list;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) links[links.indexOf(link) + step]?.focus();
    else if (event.key === "F2") rename(this.list, item);
    else if (event.key === "Delete") void remove(this.list, item);
    else return;
    event.preventDefault();
  }
}

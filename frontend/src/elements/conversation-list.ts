// <conversation-list>: the conversations in the sidebar: pinned, in folders, by day; older ones come while scrolling.
import { ConversationMenu } from "../behaviours/conversation-menu";
import { draggable } from "../behaviours/conversation-drag";
import { waitingToBeDeleted } from "../behaviours/conversation-deeds";
import { fillsWhenOpened, loadsOlderOnes } from "../behaviours/conversation-pages";
import { heading } from "../lib/days";
import { find, fromTemplate, need, part } from "../lib/dom";
import { news } from "../lib/news";

export interface Conversation {
  id: string;
  title: string | null;
  updated_at?: string;
  pinned?: boolean;
  archived?: boolean;
  folder?: string;
}

/** What another tab did. */
export type News = Conversation | { id: string | undefined; deleted: true };

export class ConversationList extends HTMLElement {
  connectedCallback(): void {
    for (const item of this.querySelectorAll<HTMLElement>("li[data-id]")) this.#equip(item);
    for (const id of waitingToBeDeleted()) this.item(id)?.remove();
    for (const item of this.querySelectorAll<HTMLElement>("li[data-id]")) this.place(item);
    for (const folder of this.querySelectorAll<HTMLDetailsElement>("details")) fillsWhenOpened(this, folder);
    new ConversationMenu(this);
    draggable(this);
    news?.addEventListener("message", ({ data }) => typeof data === "object" && this.#hear(data as News));
    loadsOlderOnes(this);
  }

  /** Puts a conversation on top and marks it as the one that is open. */
  open(conversation: Conversation): void {
    for (const link of this.querySelectorAll('a[aria-current="page"]')) link.removeAttribute("aria-current");
    const item = this.put({ ...conversation, updated_at: new Date().toISOString() });
    need("a", HTMLAnchorElement, item).setAttribute("aria-current", "page");
  }

  /** Shows a conversation as it is now, where it belongs. */
  put(conversation: Conversation): HTMLElement {
    const item = this.item(conversation.id) ?? this.#make(conversation.id);
    const { title, updated_at, pinned, folder } = conversation;
    const shown = title || "New chat";
    part(item, "title").textContent = shown;
    part(item, "menu").setAttribute("aria-label", `Options of “${shown}”`);
    if (updated_at) item.dataset.updated = updated_at;
    if (pinned !== undefined) item.dataset.pinned = pinned ? "true" : "";
    if (folder !== undefined) item.dataset.folder = folder;
    this.place(item);
    if (find('a[aria-current="page"]', HTMLElement, item)) this.dispatchEvent(new CustomEvent("chat-renamed", { bubbles: true, detail: title }));
    return item;
  }

  /** Shows another title where the conversation is listed; its place stays what it is. */
  retitle(id: string, title: string | null): void {
    if (this.item(id)) this.put({ id, title });
  }

  /** Moves an item to where its data say that it belongs. */
  place(item: HTMLElement): void {
    const from = item.parentElement;
    const list = this.#listFor(item);
    const later = [...list.children].find((other) => other !== item && (other as HTMLElement).dataset.updated! < item.dataset.updated!);
    if (from !== list || item.nextElementSibling !== (later ?? null)) list.insertBefore(item, later ?? null);
    this.tidy();
  }

  /** Takes headings away that have nothing below them. */
  tidy(): void {
    for (const group of this.querySelectorAll("section[data-heading]")) if (!group.querySelector("li")) group.remove();
    part(this, "empty").hidden = this.querySelector("li[data-id], details") !== null;
  }

  item(id: string): HTMLElement | null {
    return find(`li[data-id="${CSS.escape(id)}"]`, HTMLElement, this);
  }

  /** The conversations that can be seen, from top to bottom. */
  get links(): HTMLAnchorElement[] {
    return [...this.querySelectorAll<HTMLAnchorElement>("li[data-id]:not([hidden], details:not([open]) *) > a:not([hidden])")];
  }

  folder(name: string): HTMLDetailsElement | null {
    return find(`details[data-folder="${CSS.escape(name)}"]`, HTMLDetailsElement, this);
  }

  #hear(what: News): void {
    if (!("deleted" in what) && what.archived === (this.dataset.archived === "true")) return void this.put(what);
    this.item(what.id ?? "")?.remove();
    this.tidy();
  }

  #listFor(item: HTMLElement): HTMLElement {
    const { pinned, folder, updated } = item.dataset;
    if (folder && !pinned && this.dataset.archived !== "true") return need("ul", HTMLUListElement, this.folder(folder) ?? this.#makeFolder(folder));
    const name = pinned ? "Pinned" : heading(new Date(updated ?? ""), new Date());
    return need("ul", HTMLUListElement, find(`section[data-heading="${name}"]`, HTMLElement, this) ?? this.#makeGroup(name, updated ?? ""));
  }

  #makeGroup(name: string, updated: string): HTMLElement {
    const group = fromTemplate("conversation-group", HTMLElement);
    group.dataset.heading = name;
    part(group, "heading").textContent = name;
    const isEarlier = (other: HTMLElement) => (other.querySelector<HTMLElement>("li[data-id]")?.dataset.updated ?? "") < updated;
    const groups = [...this.querySelectorAll<HTMLElement>('section[data-heading]:not([data-heading="Pinned"])')];
    if (name === "Pinned") this.prepend(group);
    else (groups.find(isEarlier) ?? part(this, "empty")).before(group);
    return group;
  }

  #makeFolder(name: string): HTMLDetailsElement {
    const folder = fromTemplate("conversation-folder", HTMLDetailsElement);
    folder.dataset.folder = name;
    part(folder, "name").textContent = name;
    part(this, "folders").append(folder);
    fillsWhenOpened(this, folder);
    return folder;
  }

  #make(id: string): HTMLElement {
    const item = fromTemplate("conversation-item", HTMLElement);
    item.dataset.id = id;
    need("a", HTMLAnchorElement, item).href = `/chat/${id}`;
    this.#equip(item);
    return item;
  }

  #equip(item: HTMLElement): void {
    item.append(fromTemplate("conversation-tools", HTMLElement));
    item.draggable = true;
    part(item, "menu").setAttribute("aria-label", `Options of “${part(item, "title").textContent}”`);
  }
}

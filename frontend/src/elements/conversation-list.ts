// <conversation-list>: the conversations in the sidebar, with rename, delete and older pages.
import { find, fromTemplate, need, part } from "../lib/dom";
import { ApiError, api } from "../lib/http";
import { announce } from "../lib/announce";
import { askForText, confirmed, tell } from "../behaviours/dialogs";

export interface Conversation {
  id: string;
  title: string | null;
}

interface Page {
  conversations: Conversation[];
  next: string | null;
}

export class ConversationList extends HTMLElement {
  #cursor: string | null = null;

  connectedCallback(): void {
    this.addEventListener("click", (event) => this.#clicked(event));
    for (const item of this.querySelectorAll("li")) this.#equip(item);
    const older = this.#older;
    older.hidden = older.dataset.more !== "true";
    older.addEventListener("click", () => this.#loadOlder().catch(tellError));
  }

  /** Puts a conversation on top and marks it as the one that is open. */
  open(conversation: Conversation): void {
    for (const link of this.querySelectorAll('a[aria-current="page"]')) link.removeAttribute("aria-current");
    const item = this.#item(conversation.id) ?? this.#make(conversation);
    this.#title(item, conversation.title);
    need("a", HTMLAnchorElement, item).setAttribute("aria-current", "page");
    need("ul", HTMLUListElement, this).prepend(item);
    this.#noteEmpty();
  }

  #make({ id, title }: Conversation): HTMLElement {
    const item = fromTemplate("conversation-item", HTMLElement);
    item.dataset.id = id;
    need("a", HTMLAnchorElement, item).href = `/chat/${id}`;
    this.#equip(item);
    this.#title(item, title);
    return item;
  }

  /** Gives an item its buttons. */
  #equip(item: HTMLElement): void {
    item.append(fromTemplate("conversation-tools", HTMLElement));
    this.#title(item, part(item, "title").textContent);
  }

  #title(item: HTMLElement, title: string | null): void {
    const shown = title || "New chat";
    part(item, "title").textContent = shown;
    part(item, "title").title = shown;
    part(item, "rename").setAttribute("aria-label", `Rename “${shown}”`);
    part(item, "delete").setAttribute("aria-label", `Delete “${shown}”`);
  }

  #clicked(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const item = button?.closest("li");
    if (!button || !item) return;
    const act = button.dataset.part === "delete" ? this.#delete(item) : this.#rename(item);
    act.catch(tellError);
  }

  async #rename(item: HTMLElement): Promise<void> {
    const title = await askForText("rename-dialog", part(item, "title").textContent ?? "");
    if (!title) return;
    const renamed = await api<Conversation>("PATCH", `/api/conversations/${item.dataset.id}`, { title });
    this.#title(item, renamed.title);
    if (this.#isOpen(item)) this.dispatchEvent(new CustomEvent("chat-renamed", { bubbles: true, detail: renamed.title }));
  }

  async #delete(item: HTMLElement): Promise<void> {
    const title = part(item, "title").textContent ?? "";
    if (!(await confirmed("delete-dialog", title))) return;
    await api("DELETE", `/api/conversations/${item.dataset.id}`);
    if (this.#isOpen(item)) {
      location.assign("/chat");
      return;
    }
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    this.#noteEmpty();
    announce(`“${title}” was deleted.`);
    (find("a", HTMLAnchorElement, neighbour ?? document.createElement("li")) ?? find("#new-chat", HTMLElement))?.focus();
  }

  async #loadOlder(): Promise<void> {
    this.#cursor ??= (await api<Page>("GET", "/api/conversations")).next;
    if (!this.#cursor) return this.#noMore();
    const page = await api<Page>("GET", `/api/conversations?cursor=${encodeURIComponent(this.#cursor)}`);
    const fresh = page.conversations.filter(({ id }) => !this.#item(id)).map((each) => this.#make(each));
    need("ul", HTMLUListElement, this).append(...fresh);
    this.#cursor = page.next;
    if (fresh[0]) need("a", HTMLAnchorElement, fresh[0]).focus();
    if (!page.next) this.#noMore();
  }

  #noMore(): void {
    this.#older.hidden = true;
  }

  #noteEmpty(): void {
    part(this, "empty").hidden = need("ul", HTMLUListElement, this).childElementCount > 0;
  }

  #item(id: string): HTMLElement | null {
    return find(`li[data-id="${CSS.escape(id)}"]`, HTMLElement, this);
  }

  #isOpen(item: HTMLElement): boolean {
    return find('a[aria-current="page"]', HTMLElement, item) !== null;
  }

  get #older(): HTMLButtonElement {
    return need('[data-part="older"]', HTMLButtonElement, this);
  }
}

function tellError(error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  void tell(error.advice);
}

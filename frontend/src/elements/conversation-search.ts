// <conversation-search>: finds titles and messages as one types; the results stand where the list was.
import { find, fromTemplate, need, part } from "../lib/dom";
import { ApiError, api } from "../lib/http";
import { announce } from "../lib/announce";

interface Hit {
  conversation_id: string;
  at: string;
  folder: string;
  archived: boolean;
}

interface Found {
  titles: (Hit & { title: string[] })[];
  messages: (Hit & { title: string; message_id: string; role: "user" | "assistant"; snippet: string[] })[];
}

const PAUSE_MS = 150;
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export class ConversationSearch extends HTMLElement {
  #timer = 0;
  #asked: AbortController | null = null;

  connectedCallback(): void {
    this.#field.addEventListener("input", () => this.#typed());
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      find("a", HTMLAnchorElement, this.#results)?.click();
    });
    this.addEventListener("keydown", (event) => this.#key(event));
    if (this.#field.value) this.#typed();
  }

  #typed(): void {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const isSearching = this.#field.value.trim() !== "";
    this.toggleAttribute("data-searching", isSearching);
    if (isSearching) this.#timer = window.setTimeout(() => void this.#search(), PAUSE_MS);
    else this.#clear();
  }

  #clear(): void {
    this.#results.replaceChildren();
    this.#say("");
  }

  async #search(): Promise<void> {
    const asked = (this.#asked = new AbortController());
    try {
      const path = `/api/search?${new URLSearchParams({ q: this.#field.value })}`;
      this.#show(await api<Found>("GET", path, undefined, { signal: asked.signal }));
    } catch (error) {
      if (asked.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.#results.replaceChildren();
      this.#say(error.advice);
    }
  }

  #show({ titles, messages }: Found): void {
    const ofTitles = titles.map((hit) => this.#result(hit, `/chat/${hit.conversation_id}`, hit.title, null));
    const ofMessages = messages.map((hit) =>
      this.#result(hit, `/chat/${hit.conversation_id}?leaf=${hit.message_id}#message-${hit.message_id}`, [hit.title], hit.snippet),
    );
    this.#results.replaceChildren(...ofTitles, ...ofMessages);
    const count = titles.length + messages.length;
    this.#say(count ? "" : "Nothing was found.");
    announce(count === 1 ? "1 result" : `${count} results`);
  }

  #result(hit: Hit, path: string, title: string[], snippet: string[] | null): HTMLElement {
    const item = fromTemplate("search-result", HTMLElement);
    need("a", HTMLAnchorElement, item).href = path;
    part(item, "title").replaceChildren(...marked(title));
    part(item, "snippet").replaceChildren(...marked(snippet ?? []));
    part(item, "snippet").hidden = !snippet;
    part(item, "where").textContent = [DAY.format(new Date(hit.at)), hit.folder, hit.archived && "Archive"].filter(Boolean).join(" · ");
    return item;
  }

  #say(sentence: string): void {
    part(this, "note").textContent = sentence;
    part(this, "note").hidden = !sentence;
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.#field.value) {
      event.preventDefault();
      event.stopPropagation();
      this.#field.value = "";
      this.#typed();
      return this.#field.focus();
    }
    const stops = [this.#field, ...this.#results.querySelectorAll<HTMLElement>("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing) return;
    event.preventDefault();
    stops[stops.indexOf(document.activeElement as HTMLElement) + step]?.focus();
  }

  get #field(): HTMLInputElement {
    return need("input", HTMLInputElement, this);
  }

  get #results(): HTMLElement {
    return part(this, "results");
  }
}

/** Pieces of text, every second of which was found. */
function marked(pieces: string[]): Node[] {
  return pieces.map((piece, index) => {
    if (index % 2 === 0) return document.createTextNode(piece);
    const mark = document.createElement("mark");
    mark.textContent = piece;
    return mark;
  });
}

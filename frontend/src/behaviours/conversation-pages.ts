// The list of conversations comes page by page: older ones while scrolling, those of a folder when it is opened.
import type { Conversation, ConversationList } from "../elements/conversation-list";
import { part } from "../lib/dom";
import { api } from "../lib/http";
import { tellError } from "./dialogs";

type Page = { conversations: Conversation[]; next: string | null };

/** Loads older ones before the reader is there, and when the link is used. */
export function loadsOlderOnes(list: ConversationList): void {
  const link = part(list, "older");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void loadOlder(list, link);
  });
  new IntersectionObserver(([entry]) => entry?.isIntersecting && void loadOlder(list, link), { rootMargin: "400px" }).observe(link);
}

/** Loads what is in a folder, once it is open. */
export function fillsWhenOpened(list: ConversationList, folder: HTMLDetailsElement): void {
  const fill = async () => {
    if (!folder.open || folder.dataset.filled) return;
    folder.dataset.filled = "true";
    await loadAll(list, { folder: folder.dataset.folder ?? "" }).catch((error) => {
      delete folder.dataset.filled; // opening it once more tries it once more
      return tellError(error);
    });
  };
  folder.addEventListener("toggle", () => void fill());
  void fill();
}

async function loadOlder(list: ConversationList, link: HTMLElement): Promise<void> {
  const { cursor } = link.dataset;
  if (!cursor || link.hidden) return;
  delete link.dataset.cursor; // one at a time
  try {
    const next = await load(list, { cursor, ...(list.dataset.archived === "true" ? { archived: "1" } : { folder: "" }) });
    if (next) link.dataset.cursor = next;
    link.hidden = !next;
  } catch (error) {
    link.dataset.cursor = cursor; // the link stays, and with it the next try
    await tellError(error);
  }
}

async function loadAll(list: ConversationList, query: Record<string, string>): Promise<void> {
  for (let cursor: string | null = ""; cursor !== null; ) cursor = await load(list, { ...query, cursor });
}

async function load(list: ConversationList, query: Record<string, string>): Promise<string | null> {
  const page = await api<Page>("GET", `/api/conversations?${new URLSearchParams(query)}`);
  for (const each of page.conversations) if (!list.item(each.id)) list.put(each);
  return page.next;
}

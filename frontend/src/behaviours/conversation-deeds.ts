// What can be done with a conversation of the list. The page shows it at once; where the server refuses, it is as it was.
import type { Conversation, ConversationList } from "../elements/conversation-list";
import { announce } from "../lib/announce";
import { find, fromTemplate, need, part } from "../lib/dom";
import { api, send } from "../lib/http";
import { drafts } from "../lib/store";
import { askForText, tellError } from "./dialogs";
import { offerUndo } from "./toast";

const DELETED = "deleted";
type Change = Partial<Pick<Conversation, "title" | "pinned" | "archived" | "folder">>;

/** Conversations whose deletion was sent when the page before was left: a page that was made meanwhile may still show them. */
export function waitingToBeDeleted(): string[] {
  const ids = drafts.get(DELETED);
  drafts.set(DELETED, "");
  return ids ? ids.split(" ") : [];
}

/** Changes a conversation at the server and in the list. */
export async function change(list: ConversationList, item: HTMLElement, what: Change): Promise<void> {
  try {
    const { updated_at: _unchanged, ...changed } = await api<Conversation>("PATCH", `/api/conversations/${item.dataset.id}`, what);
    list.put(changed);
    if (what.title && isOpen(item)) list.dispatchEvent(new CustomEvent("chat-renamed", { bubbles: true, detail: changed.title }));
  } catch (error) {
    await tellError(error);
  }
}

/** Puts a field in the place of the title; Enter or leaving it renames, Escape does not. */
export function rename(list: ConversationList, item: HTMLElement): void {
  const field = fromTemplate("rename-field", HTMLInputElement);
  const link = need("a", HTMLAnchorElement, item);
  const before = part(item, "title").textContent ?? "";
  const end = (title: string, hadFocus: boolean) => {
    if (!field.isConnected) return;
    field.onblur = null;
    field.remove();
    link.hidden = false;
    if (hadFocus) link.focus();
    if (title && title !== before) void change(list, item, { title });
  };
  field.value = before;
  field.onblur = () => end(field.value.trim(), false);
  field.onkeydown = (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    end(event.key === "Enter" ? field.value.trim() : "", true);
  };
  link.hidden = true;
  link.before(field);
  field.focus();
  field.select();
}

/** Asks for a folder, old or new. */
export async function move(list: ConversationList, item: HTMLElement): Promise<void> {
  const names = [...list.querySelectorAll<HTMLElement>("details[data-folder]")].map((folder) => new Option(folder.dataset.folder));
  need("#folder-names", HTMLDataListElement).replaceChildren(...names);
  const folder = await askForText("move-dialog", item.dataset.folder ?? "");
  if (folder !== null) await change(list, item, { folder });
}

/** Into the archive, or out of it again. */
export async function archive(list: ConversationList, item: HTMLElement): Promise<void> {
  const isArchived = list.dataset.archived === "true";
  const title = part(item, "title").textContent ?? "";
  await change(list, item, { archived: !isArchived });
  hide(list, item);
  if (!(await offerUndo(isArchived ? `“${title}” is back in the list.` : `“${title}” is in the archive.`))) return item.remove();
  await change(list, item, { archived: isArchived });
  item.hidden = false;
}

/** Hides a conversation, and deletes it when the time to undo that is over, or the page is left. */
export async function remove(list: ConversationList, item: HTMLElement): Promise<void> {
  const path = `/api/conversations/${item.dataset.id}`;
  const title = part(item, "title").textContent ?? "";
  const leave = () => {
    drafts.set(DELETED, [drafts.get(DELETED), item.dataset.id].filter(Boolean).join(" "));
    void send("DELETE", path, undefined, { keepalive: true }).catch(() => {});
  };
  hide(list, item);
  addEventListener("pagehide", leave);
  const undone = await offerUndo(`“${title}” is deleted.`);
  removeEventListener("pagehide", leave);
  if (undone) {
    item.hidden = false;
    need("a", HTMLAnchorElement, item).focus();
    announce(`“${title}” is back.`);
    return;
  }
  try {
    await api("DELETE", path);
    if (isOpen(item)) location.assign("/chat");
    item.remove();
    list.tidy();
  } catch (error) {
    item.hidden = false;
    await tellError(error);
  }
}

function hide(list: ConversationList, item: HTMLElement): void {
  const links = [...list.querySelectorAll<HTMLElement>("li[data-id]:not([hidden]) > a")];
  const place = links.findIndex((link) => item.contains(link));
  item.hidden = true;
  (links[place + 1] ?? links[place - 1] ?? find("#new-chat", HTMLElement))?.focus();
}

function isOpen(item: HTMLElement): boolean {
  return find('a[aria-current="page"]', HTMLElement, item) !== null;
}

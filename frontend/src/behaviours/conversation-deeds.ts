// What can be done with a conversation of the list. The page shows it at once; where the server refuses, it is as it was.
import type { Conversation, ConversationList, News } from "../elements/conversation-list";
import { announce } from "../lib/announce";
import { find, fromTemplate, need, part } from "../lib/dom";
import { api, send } from "../lib/http";
import { news } from "../lib/news";
import { drafts } from "../lib/store";
import { askForText, tellError } from "./dialogs";
import { offerUndo, undoable } from "./toast";

const DELETED = "deleted";
type Change = Partial<Pick<Conversation, "title" | "pinned" | "archived" | "folder">>;

/** Conversations whose deletion was sent when the page before was left: a page that was made meanwhile may still show them. */
export function waitingToBeDeleted(): string[] {
  const ids = drafts.get(DELETED);
  drafts.set(DELETED, "");
  return ids ? ids.split(" ") : [];
}

/** Changes a conversation at the server and in the list. Gives whether the server did so. */
export async function change(list: ConversationList, item: HTMLElement, what: Change): Promise<boolean> {
  try {
    const changed = await api<Conversation>("PATCH", `/api/conversations/${item.dataset.id}`, what);
    const { updated_at: _unchanged, ...shown } = changed;
    list.put(shown);
    news?.postMessage(changed);
    return true;
  } catch (error) {
    await tellError(error);
    return false;
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
  if (!(await change(list, item, { archived: !isArchived }))) return;
  hide(list, item);
  if (!(await offerUndo(isArchived ? `“${title}” is back in the list.` : `“${title}” is in the archive.`))) return item.remove();
  if (!(await change(list, item, { archived: isArchived }))) return item.remove();
  item.hidden = false;
}

/** Hides a conversation, and deletes it when the time to undo that is over, or the page is left. */
export async function remove(list: ConversationList, item: HTMLElement): Promise<void> {
  const path = `/api/conversations/${item.dataset.id}`;
  const title = part(item, "title").textContent ?? "";
  hide(list, item);
  await undoable(`“${title}” is deleted.`, {
    act: (isLeaving) => (isLeaving ? leaveDeleting(item, path) : deleteNow(list, item, path)),
    undo: () => {
      item.hidden = false;
      need("a", HTMLAnchorElement, item).focus();
      announce(`“${title}” is back.`);
    },
  });
}

async function leaveDeleting(item: HTMLElement, path: string): Promise<void> {
  drafts.set(DELETED, [drafts.get(DELETED), item.dataset.id].filter(Boolean).join(" "));
  await send("DELETE", path, undefined, { keepalive: true }).catch(() => {}); // nobody is here any more to be told
}

async function deleteNow(list: ConversationList, item: HTMLElement, path: string): Promise<void> {
  try {
    await api("DELETE", path);
    news?.postMessage({ id: item.dataset.id, deleted: true } satisfies News);
    if (isOpen(item)) location.assign("/chat");
    item.remove();
    list.tidy();
  } catch (error) {
    item.hidden = false;
    await tellError(error);
  }
}

function hide(list: ConversationList, item: HTMLElement): void {
  const { links } = list;
  const place = links.findIndex((link) => item.contains(link));
  item.hidden = true;
  (links[place + 1] ?? links[place - 1] ?? find("#new-chat", HTMLElement))?.focus();
}

function isOpen(item: HTMLElement): boolean {
  return find('a[aria-current="page"]', HTMLElement, item) !== null;
}

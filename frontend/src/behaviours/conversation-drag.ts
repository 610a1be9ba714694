// A conversation can be dragged into a folder, among the pinned ones, or out of both. The menu does the same.
import type { ConversationList } from "../elements/conversation-list";
import { change } from "./conversation-deeds";

const KIND = "application/x-conversation";

/** Makes the conversations of a list draggable. */
export function draggable(list: ConversationList): void {
  list.addEventListener("dragstart", (event) => {
    const item = event.target instanceof Element ? event.target.closest<HTMLElement>("li[data-id]") : null;
    if (!item?.dataset.id || !event.dataTransfer) return;
    event.dataTransfer.setData(KIND, item.dataset.id);
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    const place = placeAt(event);
    if (!event.dataTransfer?.types.includes(KIND) || !place) return;
    event.preventDefault();
    mark(list, place);
  });
  list.addEventListener("dragend", () => mark(list, null));
  list.addEventListener("drop", (event) => {
    const item = list.item(event.dataTransfer?.getData(KIND) ?? "");
    const place = placeAt(event);
    mark(list, null);
    if (!item || !place) return;
    event.preventDefault();
    const { folder, heading } = place.dataset;
    void change(list, item, heading === "Pinned" ? { pinned: true } : { pinned: false, folder: folder ?? "" });
  });
}

function placeAt({ target }: Event): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>("details[data-folder], section[data-heading]") : null;
}

function mark(list: HTMLElement, place: HTMLElement | null): void {
  for (const marked of list.querySelectorAll("[data-drop]")) if (marked !== place) marked.removeAttribute("data-drop");
  place?.setAttribute("data-drop", "");
}

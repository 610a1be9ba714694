// ‹ 2/3 ›: the messages that stand in one place. Their ids are kept at the control, oldest first.
import { need, part } from "../lib/dom";

/** All that stand in this message's place, itself too; none when it is alone. */
export function siblingsOf(item: HTMLElement): string[] {
  return (part(item, "versions").dataset.siblings ?? "").split(" ").filter(Boolean);
}

/** The siblings, or the message alone where it has none: what a new version stands beside. */
export function familyOf(item: HTMLElement): string[] {
  const siblings = siblingsOf(item);
  return siblings.length > 0 || !item.dataset.id ? siblings : [item.dataset.id];
}

/** The one before (-1) or after (1), round and round; null when there is no other. */
export function neighbourOf(item: HTMLElement, step: 1 | -1): string | null {
  const siblings = siblingsOf(item);
  const at = siblings.indexOf(item.dataset.id ?? "");
  return at < 0 || siblings.length < 2 ? null : (siblings.at((at + step) % siblings.length) ?? null);
}

/** Shows which one of how many this is. */
export function showSiblings(item: HTMLElement, ids: string[]): void {
  const versions = part(item, "versions");
  versions.dataset.siblings = ids.join(" ");
  versions.hidden = ids.length < 2;
  part(versions, "place").textContent = `${ids.indexOf(item.dataset.id ?? "") + 1}/${ids.length}`;
  need('[data-part="previous"]', HTMLAnchorElement, versions).href = `?leaf=${neighbourOf(item, -1) ?? ""}`;
  need('[data-part="next"]', HTMLAnchorElement, versions).href = `?leaf=${neighbourOf(item, 1) ?? ""}`;
}

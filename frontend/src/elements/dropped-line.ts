// The line where history was dropped: above the first message that the model was given for the last answer.
import { find, fromTemplate } from "../lib/dom";

/** Draws the line in a list of messages; not as long as its place or the last answer is not shown. */
export function markDropped(list: HTMLElement): void {
  find('[data-part="dropped"]', HTMLElement, list)?.remove();
  const items = [...list.querySelectorAll("message-item")].filter((item) => item instanceof HTMLElement);
  const count = list.dataset.newest ? 0 : Number(items.at(-1)?.dataset.dropped ?? 0);
  const first = count > 0 ? items[count - Number(items[0]?.dataset.depth || 0)] : null;
  first?.before(fromTemplate("dropped-line", HTMLElement));
}

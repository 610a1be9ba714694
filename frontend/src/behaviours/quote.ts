// Words that are selected in a message can be quoted: a button comes up beside them.
import { find, need } from "../lib/dom";

const ABOVE_PX = 52;

/** Makes the button come and go with the selection. */
export function quoteButton(): void {
  const button = need("#quote-selection", HTMLButtonElement);
  const look = (): void => {
    const range = selectedIn(getSelection());
    if (!range) return void (button.matches(":popover-open") && button.hidePopover());
    const { top, bottom, left } = range.getBoundingClientRect();
    button.style.top = `${top > ABOVE_PX * 2 ? top - ABOVE_PX : bottom + 8}px`;
    button.style.left = `${Math.max(8, Math.min(left, innerWidth - button.offsetWidth - 8))}px`;
    if (!button.matches(":popover-open")) button.showPopover();
  };
  document.addEventListener("selectionchange", look);
  document.addEventListener("scroll", look, { capture: true, passive: true });
  button.addEventListener("pointerdown", (event) => event.preventDefault()); // a press would take the selection away
  button.addEventListener("click", () => {
    const words = getSelection()?.toString() ?? "";
    getSelection()?.removeAllRanges();
    find("chat-composer", HTMLElement)?.dispatchEvent(new CustomEvent("chat-quote", { detail: words }));
  });
}

/** The selected stretch, when it lies in one message. */
function selectedIn(selection: Selection | null): Range | null {
  if (!selection || selection.isCollapsed || !selection.toString().trim()) return null;
  const range = selection.getRangeAt(0);
  const around = range.commonAncestorContainer;
  const element = around instanceof Element ? around : around.parentElement;
  return element?.closest('message-body[data-part="text"]') ? range : null;
}

// Buttons that print the page. Without JavaScript they stay hidden: the browser's own menu prints as well.
import { delegate } from "../lib/dom";

/** Brings the buttons out and makes them work. */
export function printButtons(): void {
  for (const button of document.querySelectorAll<HTMLElement>("button[data-prints]")) button.hidden = false;
  delegate("click", "button[data-prints]", () => print());
}

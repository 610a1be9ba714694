// The sidebar is a popover on narrow screens: the platform opens and closes it. Here: what it covers can't be reached meanwhile.
import { find } from "../lib/dom";

/** Keeps the focus in the open drawer, and closes it where the sidebar stands beside the page. */
export function drawer(): void {
  const sidebar = find("#sidebar", HTMLElement);
  const main = find("main", HTMLElement);
  if (!sidebar || !main || !("popover" in sidebar)) return;
  sidebar.addEventListener("toggle", (event) => {
    main.inert = (event as ToggleEvent).newState === "open";
  });
  matchMedia("(min-width: 56rem)").addEventListener("change", ({ matches }) => {
    if (matches) sidebar.hidePopover();
  });
}

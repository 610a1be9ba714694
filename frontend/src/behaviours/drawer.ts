// The sidebar is a popover on narrow screens: the platform opens it, closes it, and gives the focus back.
import { find } from "../lib/dom";

/** Closes the drawer when the focus leaves it, and where the sidebar stands beside the page. */
export function drawer(): void {
  const sidebar = find("#sidebar", HTMLElement);
  if (!sidebar || !("popover" in sidebar)) return;
  document.addEventListener("focusin", ({ target }) => {
    if (sidebar.matches(":popover-open") && target instanceof Node && !sidebar.contains(target)) sidebar.hidePopover();
  });
  matchMedia("(min-width: 56rem)").addEventListener("change", ({ matches }) => {
    if (matches && sidebar.matches(":popover-open")) sidebar.hidePopover();
  });
}

// The sidebar is a popover on narrow screens: the platform opens it, closes it, and gives the focus back.
import { find } from "../lib/dom";

const FAR_PX = 64;
const STRAIGHT = 2; // so many times as far sideways as up or down
const MOVES_SIDEWAYS = "pre, .table-scroll, textarea, input, dialog";

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
  swipes(sidebar);
}

/** A finger that goes right opens the drawer, one that goes left closes it. */
function swipes(sidebar: HTMLElement): void {
  let from: Touch | null = null;
  document.addEventListener("touchstart", ({ touches, target }) => {
    const isElsewhere = target instanceof Element && target.closest(MOVES_SIDEWAYS);
    from = touches.length === 1 && !isElsewhere ? (touches[0] ?? null) : null;
  }, { passive: true });
  document.addEventListener("touchend", ({ changedTouches }) => {
    const to = changedTouches[0];
    if (!from || !to || getComputedStyle(sidebar).position !== "fixed" || getSelection()?.isCollapsed === false) return;
    const [across, down] = [to.clientX - from.clientX, to.clientY - from.clientY];
    if (Math.abs(across) < FAR_PX || Math.abs(across) < STRAIGHT * Math.abs(down)) return;
    const isOpen = sidebar.matches(":popover-open");
    if (across > 0 && !isOpen) sidebar.showPopover();
    if (across < 0 && isOpen) sidebar.hidePopover();
  }, { passive: true });
}

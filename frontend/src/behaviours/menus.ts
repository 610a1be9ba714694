// <details class="menu">: opens without JavaScript; with it, a click elsewhere or Escape closes it again.

/** Makes open menus close as people expect. */
export function menus(): void {
  document.addEventListener("click", (event) => closeAll((menu) => event.target instanceof Node && menu.contains(event.target)));
  document.addEventListener("focusin", (event) => closeAll((menu) => event.target instanceof Node && menu.contains(event.target)));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    if (!menu) return;
    event.stopImmediatePropagation();
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

function closeAll(isSpared: (menu: HTMLDetailsElement) => boolean): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) if (!isSpared(menu)) menu.open = false;
}

// <details class="menu">: opens without JavaScript; with it, a click elsewhere or Escape closes it again.

/** Makes open menus close as people expect. */
export function menus(): void {
  document.addEventListener("click", closeOthers);
  document.addEventListener("focusin", closeOthers);
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    if (event.key !== "Escape" || !menu || document.querySelector("dialog[open]")) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

/** A dialog that a menu opened leads back into it. */
function closeOthers({ target }: Event): void {
  if (!(target instanceof Element) || target.closest("dialog")) return;
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
}

// What the menus that open beside a button have in common: where they stand, the arrows within, and the way back.
const MARGIN_PX = 8;

export class Popup {
  #button: HTMLElement | null = null;

  /** `side` is where menu and button are flush. */
  constructor(
    private readonly menu: HTMLElement,
    private readonly side: "left" | "right",
  ) {
    menu.addEventListener("keydown", (event) => this.#key(event));
    menu.addEventListener("toggle", () => this.#toggled());
  }

  /** Opens it within the window: below the button where it fits, else above; the focus goes to the first entry. */
  open(button: HTMLElement): void {
    this.#button = button;
    this.menu.showPopover();
    const { top, bottom, left: start, right } = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.menu;
    const fitsBelow = bottom + height + MARGIN_PX <= innerHeight;
    const left = Math.max(MARGIN_PX, Math.min(this.side === "left" ? start : right - width, innerWidth - width - MARGIN_PX));
    Object.assign(this.menu.style, { left: `${left}px`, top: `${fitsBelow ? bottom : Math.max(MARGIN_PX, top - height)}px` });
    this.#entries[0]?.focus();
  }

  /** The arrows go round; Tab leaves what calls itself a menu. */
  #key(event: KeyboardEvent): void {
    const entries = this.#entries;
    const at = entries.findIndex((entry) => entry === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab" && this.menu.getAttribute("role") === "menu") this.menu.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    entries.at(to % entries.length)?.focus();
  }

  /** Whoever closes it is back at the button, unless the focus went somewhere else already. */
  #toggled(): void {
    const { activeElement } = document;
    const isLost = activeElement === document.body || this.menu.contains(activeElement);
    if (!this.menu.matches(":popover-open") && isLost) this.#button?.focus();
  }

  get #entries(): HTMLButtonElement[] {
    return [...this.menu.querySelectorAll("button")].filter((entry) => entry.checkVisibility());
  }
}

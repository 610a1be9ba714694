// The tabs of the settings are one row on narrow screens, which scrolls sideways.

/** Brings the tab of this page into view. */
export function showTab(): void {
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

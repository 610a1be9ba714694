// The button beside a password field that shows what was typed.
import { delegate, need } from "../lib/dom";

/** Brings the buttons out (without JavaScript they would do nothing) and makes them work. */
export function showPassword(): void {
  for (const button of document.querySelectorAll<HTMLElement>("button[data-reveals]")) button.hidden = false;
  delegate("click", "button[data-reveals]", (button) => {
    const field = need(`#${button.dataset.reveals}`, HTMLInputElement);
    const isShown = field.type === "password";
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
  });
  // A browser offers to save only what is sent as a password.
  document.addEventListener("submit", () => {
    for (const field of document.querySelectorAll<HTMLInputElement>("[data-password]")) field.type = "password";
  });
}

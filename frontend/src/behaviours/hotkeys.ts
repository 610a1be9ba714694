// data-hotkey="mod+shift+o" on a real control: the keys click it, or focus it if it is a field. Of several the last one counts.
import { askIn } from "./dialogs";
import { delegate, fromTemplate, need, part } from "../lib/dom";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const NAMES: Record<string, string> = { mod: IS_MAC ? "⌘" : "Ctrl", shift: IS_MAC ? "⇧" : "Shift", alt: IS_MAC ? "⌥" : "Alt", arrowup: "↑", arrowdown: "↓" };

/** Makes the keys of every control work. "mod" is Command on a Mac, Control elsewhere. */
export function hotkeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const control = controls(`[data-hotkey="${CSS.escape(combination(event))}"]`).at(-1);
    if (!control || isTyping(event)) return;
    event.preventDefault();
    if (control.matches("input, textarea")) control.focus();
    else control.click();
  });
  delegate("click", "#show-keys", () => void showKeys());
}

/** Lists what the page offers now, read off its controls. */
async function showKeys(): Promise<void> {
  const dialog = need("#keys-dialog", HTMLDialogElement);
  const named = controls("[data-hotkey]").map((control) => [control.dataset.hotkey ?? "", nameOf(control)] as const);
  const rows = [...new Map(named)].map(([keys, name]) => {
    const row = fromTemplate("key", HTMLElement);
    need("dt", HTMLElement, row).textContent = name;
    need("dd", HTMLElement, row).append(...keys.split("+").map(keycap));
    return row;
  });
  part(dialog, "keys").replaceChildren(...rows);
  await askIn(dialog);
}

function keycap(key: string): HTMLElement {
  const cap = document.createElement("kbd");
  cap.textContent = NAMES[key] ?? key.toUpperCase();
  return cap;
}

function nameOf(control: HTMLElement): string {
  const labels = control instanceof HTMLTextAreaElement || control instanceof HTMLInputElement ? control.labels : null;
  return control.dataset.hotkeyName ?? control.getAttribute("aria-label") ?? labels?.[0]?.textContent ?? control.textContent?.trim() ?? "";
}

function controls(selector: string): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(selector)].filter((control) => control.checkVisibility() && !control.matches(":disabled"));
}

function combination(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey;
  const isShift = event.shiftKey && (mod || event.altKey);
  return [mod && "mod", event.altKey && "alt", isShift && "shift", event.key.toLowerCase()].filter(Boolean).join("+");
}

/** A bare key belongs to the field that has the focus. */
function isTyping(event: KeyboardEvent): boolean {
  const isBare = !event.ctrlKey && !event.metaKey && !event.altKey;
  return isBare && event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
}

// data-hotkey="mod+shift+o" on a visible control: the keys click it, or focus it if it is a field.

/** Makes the keys of every control work. "mod" is Command on a Mac, Control elsewhere. */
export function hotkeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const control = document.querySelector<HTMLElement>(`[data-hotkey="${CSS.escape(combination(event))}"]`);
    if (!control || isTyping(event)) return;
    event.preventDefault();
    if (control.matches("input, textarea")) control.focus();
    else control.click();
  });
}

function combination(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey;
  return [mod && "mod", event.shiftKey && mod && "shift", event.key.toLowerCase()].filter(Boolean).join("+");
}

/** A bare key belongs to the field that has the focus. */
function isTyping(event: KeyboardEvent): boolean {
  const isBare = !event.ctrlKey && !event.metaKey;
  return isBare && event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
}

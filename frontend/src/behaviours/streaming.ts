// The switch "Streaming", remembered in this browser.
import { need } from "../lib/dom";
import { preferences } from "../lib/store";

function theSwitch(): HTMLInputElement {
  return need("#streaming", HTMLInputElement);
}

/** Whether answers are to be shown while they are being written. */
export function wantsStreaming(): boolean {
  return theSwitch().checked;
}

/** Sets the switch as it was last time, and remembers what becomes of it. */
export function rememberStreaming(): void {
  const input = theSwitch();
  const remembered = preferences.get("streaming");
  if (remembered) input.checked = remembered === "on";
  input.addEventListener("change", () => preferences.set("streaming", input.checked ? "on" : "off"));
}

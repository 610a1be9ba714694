// One line at the bottom of the page that offers to undo what was just done.
import { need, part } from "../lib/dom";

const PATIENCE_MS = 8000;
let settle: ((undone: boolean) => void) | null = null;

/** Gives true when the person takes it back, false when the time is over or something else was done. */
export function offerUndo(sentence: string): Promise<boolean> {
  settle?.(false);
  const toast = need("#toast", HTMLElement);
  part(toast, "sentence").textContent = sentence;
  toast.showPopover?.();
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(false), PATIENCE_MS);
    const end = (undone: boolean) => {
      clearTimeout(timer);
      settle = null;
      toast.hidePopover?.();
      resolve(undone);
    };
    settle = end;
    part(toast, "undo").onclick = () => end(true);
  });
}

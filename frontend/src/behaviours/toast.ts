// A line that says what was done and offers to undo it. The deed itself waits until nobody wants it back any more.
import { need, part } from "../lib/dom";

const PATIENCE_MS = 8000;

interface Deed {
  /** Does it. `isLeaving`: the page goes away, and a request has to outlive it. */
  act(isLeaving: boolean): Promise<void>;
  undo(): Promise<void> | void;
}

let settle: ((choice: "act" | "leave" | "undo") => void) | null = null;

/** Says it, waits, and acts unless it is undone; another deed or leaving the page end the wait. Gives whether the page goes on without it. */
export async function undoable(sentence: string, deed: Deed): Promise<boolean> {
  settleDeeds();
  const toast = need("#toast", HTMLElement);
  part(toast, "sentence").textContent = sentence;
  if (!toast.matches(":popover-open")) toast.showPopover();
  const choice = await chosen(toast);
  if (choice === "undo") await deed.undo();
  else await deed.act(choice === "leave");
  return choice === "act";
}

/** Ends the wait of what can still be undone: it is done now. */
export function settleDeeds(): void {
  settle?.("act");
}

function chosen(toast: HTMLElement): Promise<string> {
  const waiting = new AbortController();
  return new Promise<string>((resolve) => {
    const mine = (choice: string): void => {
      clearTimeout(timer);
      waiting.abort();
      if (settle === mine) settle = null;
      if (!settle) toast.hidePopover();
      resolve(choice);
    };
    const timer = setTimeout(() => mine("act"), PATIENCE_MS);
    part(toast, "undo").addEventListener("click", () => mine("undo"), { signal: waiting.signal });
    addEventListener("pagehide", () => mine("leave"), { signal: waiting.signal });
    settle = mine;
  });
}

/** Offers to undo what was just done; gives true when the person takes it back, false when the time is over or something else was done. */
export async function offerUndo(sentence: string): Promise<boolean> {
  let isUndone = false;
  await undoable(sentence, {
    act: async () => undefined,
    undo: () => {
      isUndone = true;
    },
  });
  return isUndone;
}

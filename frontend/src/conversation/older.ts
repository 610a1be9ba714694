// A long conversation opens with its newest part; what is older comes when the reader nears the top.
import { find } from "../lib/dom";
import { ApiError } from "../lib/http";
import type { Stage } from "./running";
import { fetchBranch } from "./stored";

const NEAR_PX = 800;

/** Loads older messages before the reader is there. The link does it too, for whoever comes by keyboard. */
export function loadsOlder(stage: Stage): void {
  let isLoading = false;
  const load = async (): Promise<void> => {
    const before = stage.list.items[0]?.dataset.id;
    if (isLoading || !before || !find("#older-messages", HTMLElement)) return;
    isLoading = true;
    try {
      const older = await fetchBranch(stage.conversation, { before });
      if (stage.list.items[0]?.dataset.id === before) stage.list.showOlder(older); // another branch may stand there by now
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the link stays, and with it the next try
    } finally {
      isLoading = false;
    }
  };
  stage.list.addEventListener("scroll", () => stage.list.scrollTop < NEAR_PX && void load(), { passive: true });
  stage.list.addEventListener("click", (event) => {
    if (!(event.target instanceof Element && event.target.closest("#older-messages"))) return;
    event.preventDefault();
    const first = stage.list.items[0];
    void load().then(() => first?.scrollIntoView({ block: "start" })).then(() => stage.list.focus());
  });
}

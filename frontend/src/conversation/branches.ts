// Which branch of the conversation is shown. The address names it, so that a reload and another tab show the same.
import { tell } from "../behaviours/dialogs";
import { undoable } from "../behaviours/toast";
import type { MessageItem } from "../elements/message-item";
import { neighbourOf } from "../elements/versions";
import { part } from "../lib/dom";
import { ApiError, send } from "../lib/http";
import type { Dialogue } from "./dialogue";
import type { Stage } from "./running";
import { fetchBranch } from "./stored";

/** The message that the address names: the branch through it is shown, else the newest. */
export function leafInAddress(): string | null {
  return new URLSearchParams(location.search).get("leaf");
}

export class Branches {
  constructor(
    private readonly stage: Stage,
    private readonly dialogue: Dialogue,
  ) {}

  /** Shows the version of a message before (-1) or after (1) it, with the newest of what follows that. */
  async choose(item: MessageItem, step: 1 | -1): Promise<void> {
    const leaf = neighbourOf(item, step);
    if (!leaf || !(await this.#tried(() => this.open(leaf)))) return;
    const shown = this.stage.list.withId(leaf);
    if (!shown) return;
    part(shown, step > 0 ? "next" : "previous").focus({ preventScroll: true });
    shown.scrollIntoView({ block: "nearest" });
  }

  /** Takes a message and what follows away; for a while it can be had back, and only then is it deleted. */
  async delete(item: MessageItem): Promise<void> {
    const { id } = item.dataset;
    if (!id) return;
    const next = neighbourOf(item, -1);
    await this.dialogue.stop();
    const putBack = this.stage.list.cutFrom(item);
    if (next) await this.#tried(() => this.open(next));
    this.stage.list.focus();
    const remove = (isLeaving: boolean) => send("DELETE", `/api/messages/${id}`, undefined, { keepalive: isLeaving });
    const isDeleted = await undoable("Deleted.", {
      act: async (isLeaving) => void (await this.#tried(() => remove(isLeaving))),
      undo: async () => (next ? void (await this.#tried(() => this.open(id))) : putBack()),
    });
    if (isDeleted) await this.refresh();
  }

  /** Shows the branch through a message, or the newest one, and goes on with the answer that is being written there. */
  async open(leaf: string | null): Promise<void> {
    const branch = await fetchBranch(this.stage.conversation, { leaf });
    this.dialogue.leave();
    this.stage.list.show(branch);
    history.replaceState(null, "", leaf ? `?leaf=${leaf}` : location.pathname);
    this.dialogue.resume();
    if (!this.dialogue.isRunning) this.stage.rests();
  }

  /** Brings the page up to what the server has; not while an answer is being written here, which is the newest anyway. */
  async refresh(): Promise<void> {
    if (!this.stage.conversation || this.dialogue.isRunning || this.stage.list.newest) return; // or while the reader is far up
    await this.open(leafInAddress()).catch((error) => {
      if (!(error instanceof ApiError)) throw error; // nobody asked for it, so nobody is told
    });
  }

  async #tried(deed: () => Promise<unknown>): Promise<boolean> {
    try {
      await deed();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await tell(error.advice);
      return false;
    }
  }
}

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

function nameInAddress(leaf: string | null): void {
  history.replaceState(null, "", leaf ? `?leaf=${leaf}` : location.pathname);
}

export class Branches {
  #looks = 0;
  #acts = 0;

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
    const isDeleted = await this.#acting(() => this.#deleteUnlessUndone(item, id));
    if (isDeleted) await this.refresh();
  }

  async #deleteUnlessUndone(item: MessageItem, id: string): Promise<boolean> {
    await this.dialogue.running.stop();
    const { leaf } = this.stage.list;
    await this.#cut(item);
    const remove = (isLeaving: boolean) => send("DELETE", `/api/messages/${id}`, undefined, { keepalive: isLeaving });
    return undoable("Deleted.", {
      act: async (isLeaving) => void (await this.#tried(() => remove(isLeaving))),
      undo: async () => void (await this.#tried(() => this.open(leaf))),
    });
  }

  /** Shows the version before, or else what stands above; the address names that from now on. */
  async #cut(item: MessageItem): Promise<void> {
    const { list } = this.stage;
    const next = neighbourOf(item, -1);
    this.#looks += 1; // what is on its way from the server still has the message
    list.cutFrom(item);
    nameInAddress(list.leaf);
    if (next) await this.#tried(() => this.open(next));
    list.focus();
  }

  /** Shows the branch through a message, or the newest one, and goes on with the answer that is being written there.
   * Whoever asks something or looks elsewhere while it is fetched wins. */
  async open(leaf: string | null): Promise<void> {
    const look = (this.#looks += 1);
    const { count } = this.dialogue.running;
    const branch = await fetchBranch(this.stage.conversation, { leaf });
    if (look !== this.#looks || count !== this.dialogue.running.count) return;
    this.dialogue.running.leave();
    this.stage.list.show(branch);
    this.stage.renamed(branch.title);
    nameInAddress(leaf);
    this.dialogue.running.resume();
    if (!this.dialogue.running.isRunning) this.stage.rests();
  }

  /** Brings the page up to what the server has; not while an answer is being written here, which is the newest anyway,
   * nor while somebody chooses another version, may still undo a deletion, or reads far up. */
  async refresh(): Promise<void> {
    if (!this.stage.conversation || this.dialogue.running.isRunning || this.#acts > 0 || this.stage.list.newest) return;
    const leaf = leafInAddress();
    try {
      await this.open(leaf);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // nobody asked for it, so nobody is told
      if (error.status !== 404 || !leaf || leaf !== leafInAddress()) return;
      nameInAddress(null); // the message was deleted elsewhere
      await this.refresh();
    }
  }

  /** What somebody does here goes before what the page does by itself. */
  async #acting<T>(deed: () => Promise<T>): Promise<T> {
    this.#acts += 1;
    try {
      return await deed();
    } finally {
      this.#acts -= 1;
    }
  }

  async #tried(deed: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#acting(deed);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await tell(error.advice);
      return false;
    }
  }
}

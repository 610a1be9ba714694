// A long conversation opens with its newest part, or around a message; the rest comes when the reader nears it.
import { need } from "../lib/dom";
import { ApiError } from "../lib/http";
import type { Stage } from "./running";
import { fetchBranch } from "./stored";

const NEAR_PX = 800;

export class Paging {
  #isLoading = false;

  /** `arrived` is called when the newest message has come. */
  constructor(
    private readonly stage: Stage,
    private readonly arrived: () => void,
  ) {
    const { list } = stage;
    list.addEventListener("scroll", () => this.#look(), { passive: true });
    list.addEventListener("click", (event) => this.#clicked(event));
    need("#jump-to-latest", HTMLButtonElement).addEventListener("click", () => void this.#once(() => toNewest(stage)).then(this.arrived));
  }

  /** Loads before the reader is there. */
  #look(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.stage.list;
    if (scrollTop < NEAR_PX) void this.#older();
    else if (scrollHeight - scrollTop - clientHeight < NEAR_PX) void this.#newer();
  }

  /** The links do it too, for whoever comes by keyboard. */
  #clicked(event: Event): void {
    const link = event.target instanceof Element ? event.target.closest("#older-messages, #newer-messages") : null;
    if (!link) return;
    event.preventDefault();
    const { items } = this.stage.list;
    const isOlder = link.id === "older-messages";
    void (isOlder ? this.#older() : this.#newer()).then(() => {
      (isOlder ? items[0] : items.at(-1))?.scrollIntoView({ block: "start" });
      this.stage.list.focus();
    });
  }

  async #older(): Promise<void> {
    const { stage } = this;
    const before = stage.list.items[0]?.dataset.id;
    if (!before || !document.querySelector("#older-messages")) return;
    await this.#once(async () => {
      const older = await fetchBranch(stage.conversation, { before });
      if (stage.list.items[0]?.dataset.id === before) stage.list.showOlder(older); // another branch may stand there by now
    });
  }

  async #newer(): Promise<void> {
    const { stage } = this;
    const { newest, last } = stage.list;
    if (!newest || !last) return;
    const wanted = { leaf: newest, after: last.dataset.id ?? "" };
    await this.#once(async () => {
      const newer = await fetchBranch(stage.conversation, wanted);
      if (stage.list.newest === newest && stage.list.last === last) stage.list.showNewer(newer);
    });
    if (!stage.list.newest) this.arrived();
  }

  async #once(load: () => Promise<void>): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      await load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the link stays, and with it the next try
    } finally {
      this.#isLoading = false;
    }
  }
}

/** Shows the end of the branch, where it is not here yet. */
export async function toNewest({ list, conversation }: Stage): Promise<void> {
  const { newest } = list;
  if (!newest) return;
  list.show(await fetchBranch(conversation, { leaf: newest }));
  list.toLatest();
}

// Tabs that show the same conversation tell each other what is new; other devices are asked when somebody comes back to the page.
import { ApiError } from "../lib/http";
import { news } from "../lib/news";
import { leafInAddress } from "./branches";
import type { Stage } from "./running";
import { fetchBranch } from "./stored";

const FRESH_MS = 3000;

export class Tabs {
  #lookedAt = Date.now();

  /** `refresh` brings the page up to what the server has. */
  constructor(
    private readonly stage: Stage,
    private readonly refresh: () => Promise<void>,
  ) {
    news?.addEventListener("message", ({ data }) => {
      if (data === this.stage.conversation) void this.refresh();
    });
    document.addEventListener("visibilitychange", () => !document.hidden && void this.#look());
    addEventListener("focus", () => void this.#look());
    addEventListener("online", () => void this.#look());
  }

  /** Something is new in this conversation. */
  tell(): void {
    news?.postMessage(this.stage.conversation);
  }

  /** A light question: is the newest message another one than the last that stands here? */
  async #look(): Promise<void> {
    const { conversation, list } = this.stage;
    if (!conversation || Date.now() - this.#lookedAt < FRESH_MS) return;
    this.#lookedAt = Date.now();
    try {
      const [newest] = (await fetchBranch(conversation, { leaf: leafInAddress(), limit: 1 })).messages;
      if (newest && (newest.id !== list.leaf || newest.status !== list.last?.status)) await this.refresh();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // away for now; the next look will tell
      if (error.status === 404) await this.refresh(); // what the address names is gone
    }
  }
}

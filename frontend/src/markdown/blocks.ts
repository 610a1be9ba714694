// Cuts a growing text into settled blocks, which never change again, and one open tail.
//
// CommonMark works line by line and never opens a closed block again. So when a whole line has begun another top-level
// block, everything before it is settled. A line that is not finished decides nothing: "1" may still become "1. item".
import { blockStarts } from "./render";

export class BlockSplitter {
  #tail = "";
  #heldBack = "";

  /** The text that may still change. */
  get tail(): string {
    return this.#tail + this.#heldBack;
  }

  /** Takes the next piece, gives the blocks that it settled. */
  push(piece: string): string[] {
    const text = this.#heldBack + piece;
    const cut = text.endsWith("\r") ? text.length - 1 : text.length;
    this.#heldBack = text.slice(cut);
    const added = text.slice(0, cut).replace(/\r\n?/g, "\n");
    this.#tail += added;
    return added.includes("\n") ? this.#settle() : [];
  }

  #settle(): string[] {
    const whole = this.#tail.slice(0, this.#tail.lastIndexOf("\n") + 1);
    const starts = blockStarts(whole);
    const last = starts.at(-1) ?? 0;
    if (last === 0) return [];
    const lines = whole.split("\n");
    const edges = [0, ...starts.filter((start) => start > 0)];
    const blocks = edges.slice(0, -1).map((start, i) => `${lines.slice(start, edges[i + 1]).join("\n")}\n`);
    this.#tail = this.#tail.slice(blocks.reduce((length, block) => length + block.length, 0));
    return blocks;
  }
}

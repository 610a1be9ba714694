// Cuts a growing text into settled blocks, which never change again, and one open tail.
//
// CommonMark works line by line and never opens a closed block again. So when a whole line has begun another top-level
// block, or an empty line has ended the last one, everything before is settled. A line that is not finished decides
// nothing: "1" may still become "1. item".
import { type Block, findBlocks } from "./render";

const GOES_ON_AFTER_EMPTY_LINES = new Set(["bullet_list_open", "ordered_list_open", "code_block", "footnote_reference_open"]);

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
    const lines = whole.split("\n").slice(0, -1);
    const blocks = findBlocks(whole);
    const edges = [0, ...blocks.map(({ start }) => start).filter((start) => start > 0)];
    if (isEnded(blocks.at(-1), lines.length)) edges.push(lines.length);
    const settled = edges.slice(0, -1).map((start, i) => `${lines.slice(start, edges[i + 1]).join("\n")}\n`);
    this.#tail = this.#tail.slice(settled.reduce((length, block) => length + block.length, 0));
    return settled;
  }
}

function isEnded(last: Block | undefined, lineCount: number): boolean {
  return last !== undefined && !GOES_ON_AFTER_EMPTY_LINES.has(last.type) && last.end < lineCount;
}

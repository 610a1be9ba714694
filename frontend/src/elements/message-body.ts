// <message-body>: the words of one message. Arrives as escaped text and shows itself as Markdown; data-plain stays text.
import { announce } from "../lib/announce";
import { BlockSplitter, draw, patchNodes, toNodes } from "../markdown";

/** What a screen reader should say of these blocks: their words, without the buttons in the heads of code blocks. */
function spoken(nodes: ChildNode[]): string {
  return nodes.map((node) => (node instanceof Element && node.querySelector("pre")) || node).map((node) => node.textContent ?? "").join(" ");
}

export class MessageBody extends HTMLElement {
  #text = "";
  #tail: ChildNode[] = [];
  #splitter = new BlockSplitter();
  #isReady = false;
  /** Settles when what stands here is drawn: colours, formulas, diagrams. */
  drawn: Promise<unknown> = Promise.resolve();

  connectedCallback(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.show(this.textContent ?? "");
  }

  /** The text as it was written. */
  get text(): string {
    return this.#text;
  }

  /** Shows a whole text. */
  show(text: string): void {
    this.#text = text;
    this.#splitter = new BlockSplitter();
    this.#tail = [];
    if (this.#isPlain) {
      if (this.textContent !== text) this.textContent = text;
      return;
    }
    this.#draw(patchNodes(this, [...this.childNodes], toNodes(text)));
  }

  /** Adds to the end. Only the open tail is parsed; blocks that settle are announced and coloured. */
  grow(piece: string): void {
    this.#text += piece;
    if (this.#isPlain) {
      this.append(piece);
      return;
    }
    const settled = this.#splitter.push(piece).map(toNodes);
    const count = settled.reduce((sum, nodes) => sum + nodes.length, 0);
    const standing = patchNodes(this, this.#tail, [...settled.flat(), ...toNodes(this.#splitter.tail)]);
    this.#tail = standing.slice(count);
    if (count === 0) return;
    announce(spoken(standing.slice(0, count)));
    this.#draw(standing.slice(0, count));
  }

  /** The end: one whole rendering mends what crosses blocks, as link references do. */
  settle(): void {
    if (this.#isPlain) return;
    announce(spoken(this.#tail));
    this.show(this.#text);
  }

  #draw(settled: ChildNode[]): void {
    this.drawn = Promise.all([this.drawn, draw(settled)]);
  }

  get #isPlain(): boolean {
    return this.hasAttribute("data-plain");
  }
}

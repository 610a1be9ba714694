// <message-menu>: what can be done with one message. There is one menu for all of them; it opens beside the button.
import { announce } from "../lib/announce";
import { copyText } from "../behaviours/copy";
import { readAloud } from "../behaviours/speech";
import { delegate, find, fromTemplate, need, part } from "../lib/dom";
import { factsOf } from "../lib/sentences";
import { MessageItem } from "./message-item";
import { MessageList } from "./message-list";
import { usageOf } from "./outcome";

const WIDTH_PX = 304;
const MARGIN_PX = 8;

export class MessageMenu extends HTMLElement {
  #item: MessageItem | null = null;

  connectedCallback(): void {
    delegate("click", 'message-item [data-part="more"]', (button) => this.#open(button));
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    // Whoever scrolls leaves; an answer that grows meanwhile closes nothing.
    for (const type of ["wheel", "touchmove"]) document.addEventListener(type, (event) => this.#leave(event), { passive: true });
  }

  #open(button: HTMLElement): void {
    const item = button.closest("message-item");
    if (!(item instanceof MessageItem)) return;
    this.#item = item;
    find("message-list", MessageList)?.stay();
    this.dataset.role = item.dataset.role;
    this.#showFacts(item);
    this.#place(button.getBoundingClientRect());
    this.showPopover();
    this.#buttons[0]?.focus();
  }

  #leave({ target }: Event): void {
    if (this.matches(":popover-open") && target instanceof Node && !this.contains(target)) this.hidePopover();
  }

  /** Above the button in the lower half of the window, below it in the upper one. */
  #place({ top, bottom, left }: DOMRect): void {
    const isLow = top > innerHeight / 2;
    this.style.top = isLow ? "auto" : `${bottom}px`;
    this.style.bottom = isLow ? `${innerHeight - top}px` : "auto";
    this.style.left = `${Math.max(MARGIN_PX, Math.min(left, innerWidth - WIDTH_PX - MARGIN_PX))}px`;
  }

  #showFacts(item: MessageItem): void {
    const facts = factsOf(usageOf(item)).map(([name, value]) => {
      const fact = fromTemplate("fact", HTMLElement);
      need("dt", HTMLElement, fact).textContent = name;
      need("dd", HTMLElement, fact).textContent = value;
      return fact;
    });
    part(this, "facts").replaceChildren(...facts);
  }

  #clicked(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const action = button?.dataset.action;
    const item = this.#item;
    if (!action || !item) return;
    this.hidePopover();
    if (action === "plain") void copyText(item.body.innerText).then(() => announce("Copied."));
    else if (action === "speak") readAloud(item.body.innerText);
    else item.dispatchEvent(new CustomEvent("message-action", { bubbles: true, detail: action }));
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = this.#buttons;
    const at = buttons.findIndex((button) => button === document.activeElement);
    buttons.at((at + step) % buttons.length)?.focus();
  }

  get #buttons(): HTMLButtonElement[] {
    return [...this.querySelectorAll("button")].filter((button) => button.checkVisibility());
  }
}

// <message-menu>: what can be done with one message. There is one menu for all of them; it opens beside the button.
import { announce } from "../lib/announce";
import { copyText } from "../behaviours/copy";
import { Popup } from "../behaviours/popup";
import { readAloud } from "../behaviours/speech";
import { delegate, find, fromTemplate, need, part } from "../lib/dom";
import { factsOf } from "../lib/sentences";
import { MessageItem } from "./message-item";
import { MessageList } from "./message-list";
import { usageOf } from "./outcome";

export class MessageMenu extends HTMLElement {
  readonly #popup = new Popup(this, "left");
  #item: MessageItem | null = null;

  connectedCallback(): void {
    delegate("click", 'message-item [data-part="more"]', (button) => this.#open(button));
    this.addEventListener("click", (event) => this.#clicked(event));
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
    this.#popup.open(button);
  }

  #leave({ target }: Event): void {
    if (this.matches(":popover-open") && target instanceof Node && !this.contains(target)) this.hidePopover();
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
}

// <chat-composer>: where a question is written. Enter sends, Shift+Enter breaks the line, one button sends or stops.
import { find, need, part } from "../lib/dom";
import { sendsBy } from "../lib/keys";
import { drafts } from "../lib/store";

export class ChatComposer extends HTMLElement {
  #isRunning = false;

  connectedCallback(): void {
    const { field } = this;
    need("form", HTMLFormElement, this).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#act();
    });
    field.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("chat-quote", (event) => this.quote((event as CustomEvent<string>).detail));
    field.addEventListener("input", () => this.#edited());
    if (!field.value) field.value = drafts.get(this.#draftKey) ?? "";
    field.disabled = false;
    this.#edited();
    if (matchMedia("(hover: hover)").matches) field.focus();
  }

  get field(): HTMLTextAreaElement {
    return need("textarea", HTMLTextAreaElement, this);
  }

  /** Whether an answer is being written: the button stops it then. */
  set isRunning(isRunning: boolean) {
    this.#isRunning = isRunning;
    const button = this.#button;
    button.dataset.state = isRunning ? "stop" : "send";
    button.setAttribute("aria-label", isRunning ? "Stop the answer" : "Send the message");
    button.title = isRunning ? "Stop (Esc)" : "Send (Enter)";
    this.#edited();
  }

  /** Words to begin with, from a suggestion. */
  suggest(text: string): void {
    this.field.value = text;
    this.#edited();
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  /** Adds words as a quotation. */
  quote(text: string): void {
    const quotation = text.trim().replace(/^/gm, "> ");
    const before = this.field.value.trimEnd();
    this.suggest(`${before}${before && "\n\n"}${quotation}\n\n`);
    this.field.scrollTop = this.field.scrollHeight;
  }

  /** Gives words back that could not be sent, in front of what was written since. */
  restore(text: string, reason: string): void {
    this.field.value = [text, this.field.value].filter(Boolean).join("\n\n");
    this.#edited();
    this.#say(reason);
    this.field.focus();
  }

  /** A new conversation has got its name: what is being written belongs to it from now on. */
  moveDraft(): void {
    drafts.set("draft:new", "");
    drafts.set(this.#draftKey, this.field.value);
  }

  #act(): void {
    if (this.#isRunning) {
      this.#button.disabled = true;
      this.dispatchEvent(new CustomEvent("chat-stop", { bubbles: true }));
      return;
    }
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.#edited();
    this.#say("");
    this.dispatchEvent(new CustomEvent("chat-send", { bubbles: true, detail: text }));
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "ArrowUp" && !this.field.value && !this.#isRunning) {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("chat-edit-last", { bubbles: true }));
    }
    if (!sendsBy(event)) return;
    event.preventDefault();
    if (!this.#isRunning) this.#act();
  }

  #edited(): void {
    drafts.set(this.#draftKey, this.field.value);
    this.#button.disabled = !this.#isRunning && !this.field.value.trim();
    this.#grow();
  }

  /** Browsers without field-sizing get their height by hand. */
  #grow(): void {
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }

  #say(reason: string): void {
    const line = part(this, "composer-error");
    line.textContent = reason;
    line.hidden = !reason;
  }

  get #button(): HTMLButtonElement {
    return need('[data-part="send"]', HTMLButtonElement, this);
  }

  get #draftKey(): string {
    return `draft:${find("chat-page", HTMLElement)?.dataset.conversation || "new"}`;
  }
}

// <chat-page>: brings the parts of the page together: what is asked, which branch is shown, which conversation is open.
import { rememberStreaming } from "../behaviours/streaming";
import { Branches } from "../conversation/branches";
import { Dialogue } from "../conversation/dialogue";
import { Paging } from "../conversation/paging";
import type { Stage } from "../conversation/running";
import { settle } from "../conversation/settings";
import { Tabs } from "../conversation/tabs";
import { noteConnection } from "../lib/connection";
import { find, need } from "../lib/dom";
import { ChatComposer } from "./chat-composer";
import { ContextMeter } from "./context-meter";
import { ConversationList } from "./conversation-list";
import { EditForm } from "./edit-form";
import { MessageItem } from "./message-item";
import { MessageList } from "./message-list";
import { ModelPicker } from "./model-picker";

export class ChatPage extends HTMLElement implements Stage {
  readonly #dialogue = new Dialogue(this);
  readonly #branches = new Branches(this, this.#dialogue);
  readonly #tabs = new Tabs(this, () => this.#branches.refresh());

  connectedCallback(): void {
    this.addEventListener("chat-send", (event) => void this.#dialogue.send((event as CustomEvent<string>).detail));
    this.addEventListener("chat-stop", () => void this.#dialogue.running.stop());
    this.addEventListener("chat-edit-last", () => this.#edit(this.list.items.findLast(({ dataset }) => dataset.role === "user")));
    this.addEventListener("chat-renamed", (event) => this.#show((event as CustomEvent<string | null>).detail));
    this.addEventListener("model-picked", () => this.#measure());
    this.addEventListener("message-action", (event) => this.#act(event.target as MessageItem, (event as CustomEvent<string>).detail));
    this.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    new Paging(this, () => this.#dialogue.running.resume());
    rememberStreaming();
    const settings = need("#chat-settings", HTMLButtonElement, this);
    settings.disabled = false;
    settings.addEventListener("click", () => void this.#settle());
    this.#dialogue.running.resume();
    if (!this.#dialogue.running.isRunning) this.rests();
  }

  get conversation(): string {
    return this.dataset.conversation ?? "";
  }

  get model(): string | null {
    return need("model-picker", ModelPicker).value;
  }

  get composer(): ChatComposer {
    return need("chat-composer", ChatComposer, this);
  }

  get list(): MessageList {
    return need("message-list", MessageList, this);
  }

  belongs(conversationId: string): void {
    if (this.conversation === conversationId) return;
    this.dataset.conversation = conversationId;
    history.replaceState(null, "", `/chat/${conversationId}`);
    this.composer.moveDraft();
  }

  titled(title: string | null): void {
    find("conversation-list", ConversationList)?.open({ id: this.conversation, title });
    this.#show(title);
  }

  renamed(title: string | null): void {
    find("conversation-list", ConversationList)?.retitle(this.conversation, title);
    this.#show(title);
  }

  lost(isLost: boolean): void {
    noteConnection(isLost);
  }

  began(): void {
    history.replaceState(null, "", `/chat/${this.conversation}`); // what was just asked is on the newest branch
    this.#tabs.tell();
  }

  rests(): void {
    this.#measure();
    this.dispatchEvent(new CustomEvent("chat-answered", { detail: this.conversation }));
  }

  async #settle(): Promise<void> {
    const model = await settle(this);
    if (model === null) return;
    need("model-picker", ModelPicker).prefer(model);
    this.rests();
  }

  #measure(): void {
    void need("context-meter", ContextMeter, this).look(this.conversation, this.list.leaf, this.model);
  }

  #edit(item?: MessageItem): void {
    if (!item?.dataset.id || this.#dialogue.running.isRunning) return;
    this.list.stay();
    EditForm.open(item, (text) => this.#dialogue.edit(item, text));
  }

  async #again(item: MessageItem): Promise<void> {
    const model = await need("model-picker", ModelPicker).ask();
    if (model) await this.#dialogue.again(item, model);
  }

  #act(item: MessageItem, action: string): void {
    if (action === "delete") void this.#branches.delete(item);
    else if (action === "other-model") void this.#again(item);
    else if (action === "quote") this.composer.quote(item.body.text);
  }

  #clicked(event: Event): void {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-prompt], [data-part]") : null;
    const item = target?.closest("message-item");
    const { prompt, part } = target?.dataset ?? {};
    if (prompt) this.composer.suggest(prompt);
    else if (!(item instanceof MessageItem)) return;
    else if (part === "continue") void this.#dialogue.continue(item);
    else if (part === "retry" || part === "again") void this.#dialogue.again(item);
    else if (part === "edit") this.#edit(item);
    else if (part === "previous" || part === "next") {
      event.preventDefault();
      void this.#branches.choose(item, part === "next" ? 1 : -1);
    }
  }

  #key(event: KeyboardEvent): void {
    const versions = event.target instanceof Element ? event.target.closest('[data-part="versions"]') : null;
    const item = versions?.closest("message-item");
    if (item instanceof MessageItem && /^Arrow(Left|Right)$/.test(event.key)) {
      event.preventDefault();
      void this.#branches.choose(item, event.key === "ArrowRight" ? 1 : -1);
    }
    if (event.key !== "Escape" || !this.#dialogue.running.isRunning || event.isComposing) return;
    if (!document.querySelector("dialog[open], :popover-open")) void this.#dialogue.running.stop();
  }

  #show(title: string | null): void {
    const shown = title || "New chat";
    need("h1", HTMLElement, this).textContent = shown;
    document.title = `${shown} · Password-less Chat`;
  }
}

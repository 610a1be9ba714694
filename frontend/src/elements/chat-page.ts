// <chat-page>: brings the parts of the page together: what is asked, which answer runs, which conversation is open.
import { rememberStreaming, wantsStreaming } from "../behaviours/streaming";
import { find, need } from "../lib/dom";
import { noteConnection } from "../lib/connection";
import { ApiError } from "../lib/http";
import { drafts } from "../lib/store";
import { Run, type Surroundings } from "../stream/run";
import type { Question } from "../stream/types";
import { ChatComposer } from "./chat-composer";
import { ConversationList } from "./conversation-list";
import { MessageItem } from "./message-item";
import { MessageList } from "./message-list";
import { ModelPicker } from "./model-picker";

export class ChatPage extends HTMLElement implements Surroundings {
  #run: Run | null = null;

  connectedCallback(): void {
    this.addEventListener("chat-send", (event) => void this.#send((event as CustomEvent<string>).detail));
    this.addEventListener("chat-stop", () => void this.#stop());
    this.addEventListener("chat-renamed", (event) => this.#show((event as CustomEvent<string>).detail));
    this.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    rememberStreaming();
    this.#resume();
  }

  belongs(conversationId: string): void {
    if (this.dataset.conversation === conversationId) return;
    this.dataset.conversation = conversationId;
    history.replaceState(null, "", `/chat/${conversationId}`);
    drafts.set("draft:new", "");
  }

  titled(title: string | null): void {
    find("conversation-list", ConversationList)?.open({ id: this.dataset.conversation ?? "", title });
    this.#show(title);
  }

  lost(isLost: boolean): void {
    noteConnection(isLost);
  }

  async #send(text: string): Promise<void> {
    if (this.#run) return;
    const question = this.#list.add("user");
    question.body.show(text);
    const answer = this.#list.add("assistant");
    await this.#ask(answer, { message: text }, (error) => {
      const { question_id } = error.body;
      if (question_id) return answer.fail(error.advice, question_id);
      question.remove();
      answer.remove();
      this.#composer.restore(text, error.advice);
    });
  }

  async #retry(item: MessageItem, questionId: string): Promise<void> {
    if (this.#run) return;
    const answer = this.#list.replace(item);
    await this.#ask(answer, { question_id: questionId }, (error) => answer.fail(error.advice, questionId));
  }

  /** A new answer begins with the words of the old one. Where it adds none the old one is back: of a refused one nothing is kept. */
  async #continue(item: MessageItem): Promise<void> {
    const { id, question } = item.dataset;
    if (this.#run || !id) return;
    const answer = this.#list.replace(item);
    const putBack = (reason: string) => {
      answer.replaceWith(item);
      item.fail(reason, question ?? null);
    };
    await this.#ask(answer, { continue_id: id }, (error) => putBack(error.advice));
    if (answer.isConnected && answer.status === "failed" && answer.body.text === item.body.text) putBack(answer.complaint);
  }

  async #ask(answer: MessageItem, question: Question, refused: (error: ApiError) => void): Promise<void> {
    const { conversation } = this.dataset;
    const model = need("model-picker", ModelPicker).value;
    const where = { ...(conversation && { conversation_id: conversation }), ...(model && { model }) };
    await this.#follow(new Run(answer, this), async (run) => {
      try {
        await run.ask({ ...question, ...where }, wantsStreaming());
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refused(error);
      }
    });
  }

  /** Keeps the page in its running state as long as the work takes. */
  async #follow(run: Run, work: (run: Run) => Promise<void>): Promise<void> {
    this.#run = run;
    this.#composer.isRunning = true;
    try {
      await work(run);
    } finally {
      this.#run = null;
      this.#composer.isRunning = false;
      this.lost(false);
      this.dispatchEvent(new CustomEvent("chat-answered", { detail: this.dataset.conversation ?? "" }));
    }
  }

  async #stop(): Promise<void> {
    try {
      await this.#run?.stop(this.dataset.conversation ?? "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#composer.isRunning = this.#run !== null; // it can be tried again
    }
  }

  /** An answer that was being written when the page was loaded goes on here. */
  #resume(): void {
    const last = this.#list.last;
    const id = last?.dataset.id;
    if (last?.isRunning && id) void this.#follow(new Run(last, this), (run) => run.attach(id));
  }

  #clicked(event: Event): void {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-prompt], [data-part]") : null;
    const item = target?.closest("message-item");
    const { prompt, part, questionId } = target?.dataset ?? {};
    if (prompt) this.#composer.suggest(prompt);
    else if (!(item instanceof MessageItem)) return;
    else if (part === "continue") void this.#continue(item);
    else if (part === "retry" && questionId) void this.#retry(item, questionId);
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.#run || event.isComposing) return;
    if (!document.querySelector("dialog[open], :popover-open")) void this.#stop();
  }

  #show(title: string | null): void {
    const shown = title || "New chat";
    need("h1", HTMLElement, this).textContent = shown;
    document.title = `${shown} · Password-less Chat`;
  }

  get #composer(): ChatComposer {
    return need("chat-composer", ChatComposer, this);
  }

  get #list(): MessageList {
    return need("message-list", MessageList, this);
  }
}

// The give and take of a conversation: what is asked, which answer runs. At most one runs on this page at a time.
import { tell } from "../behaviours/dialogs";
import { settleDeeds } from "../behaviours/toast";
import { wantsStreaming } from "../behaviours/streaming";
import type { MessageItem } from "../elements/message-item";
import { complain, complaintOf } from "../elements/outcome";
import { familyOf, showSiblings } from "../elements/versions";
import { ApiError } from "../lib/http";
import { Run } from "../stream/run";
import type { Question, Start } from "../stream/types";
import { toNewest } from "./paging";
import { Running, type Stage } from "./running";

/** What a new answer brings along: the question above it, where that is new too, and what the new ones stand beside. */
interface Company {
  asked?: MessageItem;
  siblings?: string[];
}

interface Replaced {
  answer: MessageItem;
  putBack: () => void;
}

export class Dialogue {
  readonly running: Running;

  constructor(private readonly stage: Stage) {
    this.running = new Running(stage);
  }

  async send(text: string): Promise<void> {
    if (this.running.isRunning) return;
    const giveBack = (reason: string) => this.stage.composer.restore(text, reason);
    try {
      await toNewest(this.stage);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return giveBack(error.advice);
    }
    const { leaf } = this.stage.list;
    await this.#say({ message: text, ...(leaf && { parent_id: leaf }) }, [], giveBack);
  }

  /** Asks in other words; the old ones stay beside them. Resolves with the reason when it was refused. */
  async edit(item: MessageItem, text: string): Promise<string> {
    if (this.running.isRunning) return "Wait for the answer, or stop it.";
    let refusal = "";
    const siblings = familyOf(item);
    const putBack = this.stage.list.cutFrom(item);
    await this.#say({ message: text, edit_id: item.dataset.id ?? "" }, siblings, (reason) => {
      putBack();
      refusal = reason;
    });
    return refusal;
  }

  /** Answers a question once more. Where that is refused the old answer is back. */
  async again(item: MessageItem, model?: string): Promise<void> {
    const { question = "", id } = item.dataset;
    if (this.running.isRunning || !question) return;
    await this.#replace(item, { question_id: question, ...(model && { model }) }, (reason) => {
      if (!id || item.status === "failed") complain(item, reason, question);
      else void tell(reason);
    });
  }

  /** A new answer begins with the words of the old one. Where it adds none the old one is back: of a refused one nothing is kept. */
  async continue(item: MessageItem): Promise<void> {
    const { id, question } = item.dataset;
    if (this.running.isRunning || !id) return;
    const complainHere = (reason: string) => item.fail(reason, question ?? null);
    const { answer, putBack } = await this.#replace(item, { continue_id: id }, complainHere);
    if (!answer.isConnected || answer.status !== "failed" || answer.body.text !== item.body.text) return;
    putBack();
    complainHere(complaintOf(answer));
  }

  async #say(question: Question, siblings: string[], giveBack: (reason: string) => void): Promise<void> {
    const { list } = this.stage;
    const asked = list.add("user");
    asked.body.show(question.message ?? "");
    const answer = list.add("assistant");
    await this.#ask(answer, question, { asked, siblings }, (error) => {
      const { question_id } = error.body;
      if (question_id) {
        this.#took({ asked, siblings }, question_id);
        return answer.fail(error.advice, question_id);
      }
      asked.remove();
      answer.remove();
      giveBack(error.advice);
    });
  }

  /** Asks for an answer in the place of one, and of all that follows it, which can be put back. */
  async #replace(item: MessageItem, question: Question, refused: (reason: string) => void): Promise<Replaced> {
    const siblings = familyOf(item);
    const putBack = this.stage.list.cutFrom(item);
    const answer = this.stage.list.add("assistant");
    if (question.continue_id) answer.restart();
    await this.#ask(answer, question, { siblings }, (error) => {
      putBack();
      refused(error.advice);
    });
    return { answer, putBack };
  }

  async #ask(answer: MessageItem, question: Question, company: Company, refused: (error: ApiError) => void): Promise<void> {
    settleDeeds(); // undoing one later would take the new answer off the page
    const { conversation, model } = this.stage;
    const where = { ...(conversation && { conversation_id: conversation }), ...(model && { model }) };
    const began = (start: Pick<Start, "message_id" | "question_id">) => {
      if (company.asked) this.#took(company, start.question_id ?? "");
      else showSiblings(answer, [...(company.siblings ?? []), start.message_id]);
      this.stage.began();
    };
    await this.running.follow(new Run(answer, this.stage, began), async (run) => {
      try {
        await run.ask({ ...where, ...question }, wantsStreaming());
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refused(error);
      }
    });
  }

  /** The new question is kept. */
  #took({ asked, siblings = [] }: Company, id: string): void {
    if (!asked || asked.dataset.id) return;
    asked.dataset.id = id;
    if (siblings.length > 0) showSiblings(asked, [...siblings, id]);
  }
}

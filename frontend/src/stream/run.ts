// One question being answered: brings what the server says into the message on the page, streamed or whole.
import { ApiError, api } from "../lib/http";
import { queueSentence } from "../lib/sentences";
import { restoreAnswer } from "../conversation/restore";
import { fetchBranch, type StoredBranch } from "../conversation/stored";
import type { MessageItem } from "../elements/message-item";
import { noteDropped } from "../elements/outcome";
import { Answer } from "./answer";
import type { Delta, Done, Failure, Listener, Question, Queued, Start, Usage } from "./types";

interface Reply {
  reply: string;
  conversation_id: string;
  question_id: string;
  message_id: string;
  model: string;
  usage?: Usage;
}

/** What the page around wants to know. */
export interface Surroundings {
  /** The answer belongs to this conversation. */
  belongs(conversationId: string): void;
  /** The conversation is called so. */
  titled(title: string | null): void;
  lost(isLost: boolean): void;
}

export class Run implements Listener {
  readonly #answer = new Answer(this);
  #question: Question = {};
  #wantsStop = false;

  constructor(
    private readonly item: MessageItem,
    private readonly around: Surroundings,
    private readonly began: (start: Pick<Start, "message_id" | "question_id">) => void = () => {},
  ) {}

  /** Asks and shows the answer to its end. Throws ApiError when nothing of an answer exists. */
  async ask(question: Question, isStreaming: boolean): Promise<void> {
    this.#question = question;
    try {
      if (isStreaming) await this.#answer.ask(question);
      else await this.#whole(await api<Reply>("POST", "/api/chat", question));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { reply, conversation_id, question_id, message_id } = error.body;
      if (message_id) this.#begin({ message_id, question_id: question_id ?? null });
      const kept = conversation_id ? await this.#fetchKept(conversation_id) : null; // of a refused question too, in a new conversation
      if (reply !== undefined) this.item.break(reply, error.message, question_id ?? null);
      this.#learn(kept);
      if (reply === undefined) throw error;
    }
  }

  /** Shows an answer that is being written already. */
  async attach(messageId: string): Promise<void> {
    this.item.restart();
    await this.#answer.attach(messageId);
  }

  /** Stops listening; the answer goes on at the server. */
  leave(): void {
    this.#answer.leave();
  }

  /** Ends the generation; the end of the stream follows by itself. Gives whether the server has the answer already. */
  async stop(conversationId: string): Promise<boolean> {
    this.#wantsStop = true;
    const id = this.#answer.messageId ?? (await findRunning(conversationId, this.#question));
    if (id) await api("POST", `/api/messages/${id}/stop`);
    return id !== null;
  }

  started(start: Start): void {
    this.item.noteModel(start.model);
    noteDropped(this.item, start.dropped_messages ?? 0);
    this.around.belongs(start.conversation_id);
    this.#begin(start);
    this.around.titled(start.title);
    if (this.#wantsStop) void api("POST", `/api/messages/${start.message_id}/stop`).catch(() => {});
  }

  queued({ place, wait_seconds }: Queued): void {
    this.item.noteQueue(queueSentence(place, wait_seconds));
  }

  grew(delta: Delta): void {
    this.item.grow(delta);
  }

  done(done: Done): void {
    this.lost(false);
    this.item.finish(done.status, done.usage, done.end_reason);
  }

  failed(failure: Failure): void {
    this.lost(false);
    if (failure.code === "not_found") this.item.dataset.id = ""; // refused late: nothing of the answer is left at the server
    this.item.fail(failure.error, this.item.dataset.question ?? null);
  }

  lost(isLost: boolean): void {
    this.around.lost(isLost);
  }

  /** The server has an answer. Told once, however often the connection stands anew. */
  #begin(start: Pick<Start, "message_id" | "question_id">): void {
    const isNew = this.item.dataset.id !== start.message_id;
    this.item.dataset.id = start.message_id;
    if (start.question_id) this.item.dataset.question = start.question_id;
    if (isNew) this.began(start);
  }

  async #whole(reply: Reply): Promise<void> {
    this.item.noteModel(reply.model);
    this.#begin(reply);
    const kept = await this.#fetchKept(reply.conversation_id);
    this.item.fill(reply.reply, reply.usage);
    this.#learn(kept);
  }

  /** Fetched before the words are shown: whoever sees them can go on with them at once. */
  async #fetchKept(conversationId: string): Promise<StoredBranch | null> {
    this.around.belongs(conversationId);
    return fetchBranch(conversationId, { limit: 2 }).catch(() => null);
  }

  /** What an answer without a stream does not say is with the conversation. */
  #learn(conversation: StoredBranch | null): void {
    const stored = conversation?.messages.find(({ id }) => id === this.item.dataset.id);
    if (stored) restoreAnswer(this.item, stored);
    if (stored) noteDropped(this.item, stored.dropped_messages ?? 0);
    if (conversation) this.around.titled(conversation.title);
  }
}

/** Before a stream begins nobody told the id of the answer: the conversation has it, below the very question. */
async function findRunning(conversationId: string, { message, question_id, continue_id }: Question): Promise<string | null> {
  const newest = () => api<{ conversations: { id: string }[] }>("GET", "/api/conversations?pinned=0"); // a new one is not pinned
  const id = conversationId || (await newest()).conversations[0]?.id;
  if (!id) return null;
  const { messages } = await fetchBranch(id, { limit: 2 }); // the newest branch ends in what is being written
  if (continue_id) return messages.at(-1)?.id ?? null; // what goes on takes the place of what broke off
  const asked = messages.findLast((each) => each.id === question_id || each.content === message);
  return messages.find(({ parent_id }) => parent_id === asked?.id)?.id ?? null;
}

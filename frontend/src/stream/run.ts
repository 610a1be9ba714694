// One question being answered: brings what the server says into the message on the page, streamed or whole.
import { ApiError, api } from "../lib/http";
import type { MessageItem, Status } from "../elements/message-item";
import { Answer } from "./answer";
import type { Delta, Done, Failure, Listener, Question, Start, Usage } from "./types";

interface Reply {
  reply: string;
  conversation_id: string;
  message_id: string;
  model: string;
  usage?: Usage;
}

interface StoredMessage {
  id: string;
  status: Status;
}

/** What the page around wants to know. */
export interface Surroundings {
  /** The answer belongs to this conversation; the title is null when the server did not say it. */
  belongs(conversationId: string, title: string | null): void;
  lost(isLost: boolean): void;
}

export class Run implements Listener {
  readonly #answer = new Answer(this);
  #wantsStop = false;

  constructor(
    private readonly item: MessageItem,
    private readonly around: Surroundings,
  ) {}

  /** Asks and shows the answer to its end. Throws ApiError when nothing of an answer exists. */
  async ask(question: Question, isStreaming: boolean): Promise<void> {
    if (isStreaming) return this.#answer.ask(question);
    try {
      this.#whole(await api<Reply>("POST", "/api/chat", question));
    } catch (error) {
      if (!(error instanceof ApiError) || error.body.reply === undefined) throw error;
      this.#broken(error);
    }
  }

  /** Shows an answer that is being written already. */
  async attach(messageId: string): Promise<void> {
    this.item.restart();
    await this.#answer.attach(messageId);
  }

  /** Ends the generation; the end of the stream follows by itself. */
  async stop(conversationId: string): Promise<void> {
    this.#wantsStop = true;
    const id = this.#answer.messageId ?? (await findRunning(conversationId));
    if (id) await api("POST", `/api/messages/${id}/stop`);
  }

  started(start: Start): void {
    this.item.dataset.id = start.message_id;
    if (start.question_id) this.item.dataset.question = start.question_id;
    this.item.noteModel(start.model);
    this.item.noteDropped(start.dropped_messages ?? 0);
    this.around.belongs(start.conversation_id, start.title);
    if (this.#wantsStop) void api("POST", `/api/messages/${start.message_id}/stop`).catch(() => {});
  }

  grew(delta: Delta): void {
    this.item.grow(delta);
  }

  done(done: Done): void {
    this.lost(false);
    this.item.finish(done.status, done.usage);
  }

  failed(failure: Failure): void {
    this.lost(false);
    this.item.fail(failure.error, this.item.dataset.question ?? null);
  }

  lost(isLost: boolean): void {
    this.around.lost(isLost);
  }

  #whole(reply: Reply): void {
    this.item.dataset.id = reply.message_id;
    this.item.noteModel(reply.model);
    this.item.fill(reply.reply, reply.usage);
    this.around.belongs(reply.conversation_id, null);
  }

  #broken(error: ApiError): void {
    const { reply, conversation_id, question_id } = error.body;
    this.item.fill(reply ?? "");
    this.item.fail(error.message, question_id ?? null);
    if (conversation_id) this.around.belongs(conversation_id, null);
  }
}

/** Without a stream nobody told the id of the answer: the newest conversation has it. */
async function findRunning(conversationId: string): Promise<string | null> {
  const newest = () => api<{ conversations: { id: string }[] }>("GET", "/api/conversations");
  const id = conversationId || (await newest()).conversations[0]?.id;
  if (!id) return null;
  const { messages } = await api<{ messages: StoredMessage[] }>("GET", `/api/conversations/${id}`);
  return messages.findLast(({ status }) => status === "pending" || status === "streaming")?.id ?? null;
}

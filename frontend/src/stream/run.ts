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
  parent_id: string | null;
  content: string;
  reasoning: string | null;
  status: Status;
  dropped_messages: number | null;
}

interface StoredConversation {
  title: string | null;
  messages: StoredMessage[];
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
      if (message_id) this.item.dataset.id = message_id;
      if (reply !== undefined) this.item.break(reply, error.message, question_id ?? null);
      if (conversation_id) await this.#learn(conversation_id); // a refused question is kept, and with it a new conversation
      if (reply === undefined) throw error;
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
    const id = this.#answer.messageId ?? (await findRunning(conversationId, this.#question));
    if (id) await api("POST", `/api/messages/${id}/stop`);
  }

  started(start: Start): void {
    this.item.dataset.id = start.message_id;
    if (start.question_id) this.item.dataset.question = start.question_id;
    this.item.noteModel(start.model);
    this.item.noteDropped(start.dropped_messages ?? 0);
    this.around.belongs(start.conversation_id);
    this.around.titled(start.title);
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

  async #whole(reply: Reply): Promise<void> {
    this.item.dataset.id = reply.message_id;
    this.item.noteModel(reply.model);
    this.around.belongs(reply.conversation_id);
    this.item.fill(reply.reply, reply.usage);
    await this.#learn(reply.conversation_id);
  }

  /** What an answer without a stream does not say is with the conversation. */
  async #learn(conversationId: string): Promise<void> {
    this.around.belongs(conversationId);
    const path = `/api/conversations/${conversationId}`;
    const conversation = await api<StoredConversation>("GET", path).catch(() => null);
    const stored = conversation?.messages.find(({ id }) => id === this.item.dataset.id);
    if (stored) this.item.noteThoughts(stored.reasoning ?? "");
    if (stored) this.item.noteDropped(stored.dropped_messages ?? 0);
    if (conversation) this.around.titled(conversation.title);
  }
}

/** Before a stream begins nobody told the id of the answer: the conversation has it, below the very question. */
async function findRunning(conversationId: string, { message, question_id, continue_id }: Question): Promise<string | null> {
  const newest = () => api<{ conversations: { id: string }[] }>("GET", "/api/conversations");
  const id = conversationId || (await newest()).conversations[0]?.id;
  if (!id) return null;
  const { messages } = await api<StoredConversation>("GET", `/api/conversations/${id}`);
  if (continue_id) return messages.at(-1)?.id ?? null; // what goes on takes the place of what broke off
  const asked = messages.findLast((each) => each.id === question_id || each.content === message);
  return messages.find(({ parent_id }) => parent_id === asked?.id)?.id ?? null;
}

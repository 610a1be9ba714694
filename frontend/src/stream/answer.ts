// One answer, from the first byte to the last, over as many connections as it takes.
import { ApiError, send } from "../lib/http";
import { NO_ANSWER } from "../lib/sentences";
import { readEvents } from "./events";
import type { ServerEvent } from "./parser";
import type { Listener, Question } from "./types";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class Answer {
  #messageId: string | null = null;
  #lastId: string | null = null;
  #ended = false;
  #leaving = new AbortController();

  constructor(private readonly listener: Listener) {
    document.addEventListener("visibilitychange", this.#release);
  }

  get messageId(): string | null {
    return this.#messageId;
  }

  #release = (): void => {
    if (this.#ended) document.removeEventListener("visibilitychange", this.#release);
    else if (document.hidden && this.#messageId) this.#leaving.abort();
  };

  /** Asks and follows to the end. Throws ApiError when the answer did not begin. */
  async ask(question: Question): Promise<void> {
    const response = await send("POST", "/api/chat/stream", question, this.#init()).catch((error) => this.#unlessEnded(error));
    if (!response) return;
    await this.#read(response);
    if (this.#ended) return;
    if (!this.#messageId) throw new ApiError(0, "offline", "The connection was lost before the answer began.");
    await this.#follow();
  }

  /** Follows an answer that is running already, from its first character. */
  async attach(messageId: string): Promise<void> {
    this.#messageId = messageId;
    await this.#follow();
  }

  #unlessEnded(error: unknown): null {
    if (this.#ended) return null;
    throw error;
  }

  /** Stops listening; the answer itself goes on. */
  leave(): void {
    this.#ended = true;
    this.#leaving.abort();
  }

  async #follow(): Promise<void> {
    for (let failures = 0; !this.#ended; failures += 1) {
      if (document.hidden) failures = await this.#untilSeen();
      if (failures > 0) this.listener.lost(true);
      await this.#pause(failures);
      if (await this.#connect()) failures = 0;
    }
  }

  /** Connects once, from where we are. True when anything new was read. */
  async #connect(): Promise<boolean> {
    const before = this.#lastId;
    try {
      await this.#read(await send("GET", `/api/messages/${this.#messageId}/events`, undefined, this.#init()));
    } catch (error) {
      this.#giveUpOn(error);
    }
    return this.#lastId !== before;
  }

  /** Only "the server is away for now" is worth another try. */
  #giveUpOn(error: unknown): void {
    if (!(error instanceof ApiError)) return;
    const isPassing = error.status === 0 || error.status === 429 || error.status >= 500;
    const reason = error.status === 404 ? NO_ANSWER : error.message; // refused: no row of it was left behind
    if (!isPassing) this.#end(() => this.listener.failed({ error: reason, code: error.code }));
  }

  /** Reads until the end, or until the connection breaks: then the caller connects again from the last id. */
  async #read(response: Response): Promise<void> {
    const events = readEvents(response);
    while (!this.#ended) {
      const next = await events.next().catch(() => null);
      if (!next || next.done) return;
      this.#take(next.value);
    }
    void events.return(undefined).catch(() => {}); // nobody has to wait for the connection to close
  }

  #take(event: ServerEvent): void {
    const data = JSON.parse(event.data);
    if (event.type === "start") {
      this.#messageId = data.message_id;
      this.listener.lost(false);
      this.listener.started(data);
    } else if (event.type === "queued") this.listener.queued(data);
    else if (event.type === "delta") {
      this.#lastId = event.id; // never from `start`: it is sent on every connection, with id 0
      this.listener.grew(data);
    } else if (event.type === "done") this.#end(() => this.listener.done(data));
    else if (event.type === "error") this.#end(() => this.listener.failed(data));
  }

  #end(tell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    tell();
  }

  #init(): RequestInit {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.#lastId) headers["Last-Event-ID"] = this.#lastId;
    this.#leaving = new AbortController();
    return { headers, signal: this.#leaving.signal };
  }

  /** Nobody looks: browsers have few connections to one server, and other tabs need them. Gives the failures that count: none. */
  async #untilSeen(): Promise<0> {
    while (document.hidden && !this.#ended) {
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    }
    return 0;
  }

  /** Waits longer after each failure; a network that comes back ends the wait. */
  async #pause(failures: number): Promise<void> {
    if (failures === 0) return;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        removeEventListener("online", wake);
        resolve();
      };
      const timer = setTimeout(wake, wait);
      addEventListener("online", wake);
    });
  }
}

// The answer that is being written on this page, if any.
import type { ChatComposer } from "../elements/chat-composer";
import type { MessageList } from "../elements/message-list";
import { ApiError } from "../lib/http";
import { Run, type Surroundings } from "../stream/run";

/** The page around. */
export interface Stage extends Surroundings {
  readonly conversation: string;
  readonly model: string | null;
  readonly list: MessageList;
  readonly composer: ChatComposer;
  /** The conversation is called so now; its place in the list stays what it is. */
  renamed(title: string | null): void;
  /** An answer has begun; it is the newest of the conversation. */
  began(): void;
  /** Nothing is being written here any more. */
  rests(): void;
}

export class Running {
  #run: Run | null = null;
  #count = 0;

  constructor(private readonly stage: Stage) {}

  get isRunning(): boolean {
    return this.#run !== null;
  }

  /** How many answers were followed so far: whoever waits for something can tell whether one has begun meanwhile. */
  get count(): number {
    return this.#count;
  }

  /** Shows an answer that is being written already. */
  resume(): void {
    const { last } = this.stage.list;
    const id = last?.dataset.id;
    if (!this.#run && last?.isRunning && id) void this.follow(new Run(last, this.stage), (run) => run.attach(id));
  }

  async stop(): Promise<void> {
    try {
      if (await this.#run?.stop(this.stage.conversation)) return;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    this.stage.composer.isRunning = this.isRunning; // it can be tried again
  }

  /** Looks elsewhere; the answer goes on at the server. */
  leave(): void {
    this.#run?.leave();
    this.#ended(this.#run);
  }

  /** Keeps the page in its running state as long as the work takes. */
  async follow(run: Run, work: (run: Run) => Promise<void>): Promise<void> {
    this.#run = run;
    this.#count += 1;
    this.stage.composer.isRunning = true;
    try {
      await work(run);
    } finally {
      this.#ended(run);
    }
  }

  #ended(run: Run | null): void {
    if (!run || this.#run !== run) return;
    this.#run = null;
    this.stage.composer.isRunning = false;
    this.stage.lost(false);
    this.stage.rests();
  }
}

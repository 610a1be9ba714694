// The wire format of an answer.

export interface Usage {
  prompt_tokens?: number | null;
  completion_tokens?: number | null;
  first_token_ms?: number | null;
  duration_ms?: number | null;
  thinking_ms?: number | null;
}

/** A tool that the model asks for. */
export interface ToolCall {
  name: string;
  arguments: Record<string, unknown>;
}

export interface Start {
  conversation_id: string;
  message_id: string;
  question_id: string | null;
  model: string;
  title: string | null;
  dropped_messages: number;
}

/** Others come first; said again when it changes. */
export interface Queued {
  place: number;
  wait_seconds: number;
}

export interface Delta {
  content?: string;
  thinking?: string;
  /** Tools that the model asks for, each a line of JSON. */
  tools?: string;
}

export interface Done {
  message_id: string;
  status: "complete" | "stopped";
  /** `length` where a limit cut it. */
  end_reason?: string | null;
  usage?: Usage;
  length?: number;
}

export interface Failure {
  error: string;
  code: string;
  message_id?: string;
}

/** What is asked: a new message, an answer to a question that is kept already,
 * a question in other words beside an old one, or more of an answer that ended too early. */
export interface Question {
  message?: string;
  question_id?: string;
  edit_id?: string;
  parent_id?: string;
  continue_id?: string;
  conversation_id?: string;
  model?: string;
}

/** Who wants to know how an answer goes on. Exactly one of `done` and `failed` is called, once, at the end. */
export interface Listener {
  started(start: Start): void;
  queued(queued: Queued): void;
  grew(delta: Delta): void;
  done(done: Done): void;
  failed(failure: Failure): void;
  /** The connection is gone (true) or back (false); the answer goes on at the server meanwhile. */
  lost(isLost: boolean): void;
}

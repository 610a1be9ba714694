// A conversation as the server keeps it.
import type { Role, Status } from "../elements/message-item";
import { api } from "../lib/http";
import type { ToolCall, Usage } from "../stream/types";

export const PAGE_MESSAGES = 100;

export interface StoredMessage {
  id: string;
  parent_id: string | null;
  /** How many messages stand above it. */
  depth: number;
  role: Role;
  content: string;
  reasoning: string | null;
  tool_calls: ToolCall[];
  status: Status;
  model: string | null;
  end_reason: string | null;
  error: string | null;
  usage: Usage | null;
  dropped_messages: number | null;
  siblings: string[];
}

export interface StoredBranch {
  title: string | null;
  messages: StoredMessage[];
  has_older: boolean;
  /** The branch's end, where that is not among these messages. */
  newest_id: string | null;
}

interface Wanted {
  /** The branch through this message; without it the newest. */
  leaf?: string | null;
  /** What stands above this message. */
  before?: string;
  /** What stands below this message. */
  after?: string;
  limit?: number;
}

/** Gives a stretch of a branch. */
export function fetchBranch(conversationId: string, { leaf, before, after, limit = PAGE_MESSAGES }: Wanted = {}): Promise<StoredBranch> {
  const query = new URLSearchParams({ limit: String(limit), ...(leaf && { leaf }), ...(before && { before }), ...(after && { after }) });
  return api<StoredBranch>("GET", `/api/conversations/${conversationId}?${query}`);
}

// What the page says in words of its own about an answer.
import type { Usage } from "../stream/types";

const LONG_WAIT_S = 90; // beyond it, minutes are precise enough

export const NO_ANSWER = "This question has no answer yet.";

/** How fast the words came, for the reader; "" when the server did not count. */
export function speedOf(usage: Usage = {}): string {
  const milliseconds = (usage.duration_ms ?? 0) - (usage.first_token_ms ?? 0);
  if (!usage.completion_tokens || milliseconds <= 0) return "";
  return `${Math.max(1, Math.round((usage.completion_tokens * 1000) / milliseconds))} tokens/s`;
}

/** Where a question stands in the queue, and for how long about. */
export function queueSentence(place: number, seconds: number): string {
  const [count, unit] = seconds > LONG_WAIT_S ? [Math.round(seconds / 60), "minute"] : [Math.max(1, Math.round(seconds)), "second"];
  return `Place ${place} in the queue, about ${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** How long the model thought before its first word. */
export function thoughtFor(milliseconds: number): string {
  return `Thought for ${Math.max(1, Math.round(milliseconds / 1000))} s`;
}

/** What is known of an answer, as name and value. */
export function factsOf(usage: Usage): [string, string][] {
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const facts: [string, string | false][] = [
    ["First word after", usage.first_token_ms != null && seconds(usage.first_token_ms)],
    ["Speed", speedOf(usage)],
    ["Took", usage.duration_ms != null && seconds(usage.duration_ms)],
    ["Tokens read", usage.prompt_tokens != null && String(usage.prompt_tokens)],
    ["Tokens written", usage.completion_tokens != null && String(usage.completion_tokens)],
  ];
  return facts.filter((fact): fact is [string, string] => Boolean(fact[1]));
}

/** How full a model's context is, as the server says it. */
export interface Context {
  context_length: number;
  used_tokens: number;
  is_estimate: boolean;
  dropped_messages: number;
  room: number;
}

const NEARLY = 0.1;

/** How much of the model's context is used. */
export function contextSentence({ context_length, used_tokens, is_estimate }: Context): string {
  const count = (tokens: number) => tokens.toLocaleString("en");
  return `${is_estimate ? "About " : ""}${count(used_tokens)} of ${count(context_length)} tokens used.`;
}

/** That old messages will be left out from now on, or soon; "" while there is room. */
export function contextWarning({ context_length, dropped_messages, room }: Context): string {
  if (dropped_messages === 1) return "The next answer is written without the oldest message: it no longer fits into the model’s memory.";
  if (dropped_messages > 1) return `The next answer is written without the oldest ${dropped_messages} messages: they no longer fit into the model’s memory.`;
  return room < context_length * NEARLY ? "The model’s memory is almost full. Soon the oldest messages will be left out." : "";
}

export interface Model {
  name: string;
  provider: string;
  parameter_size?: string | null;
  size_bytes?: number | null;
  context_length?: number | null;
  capabilities?: string[];
  loaded?: boolean | null;
}

const ABILITIES: Record<string, string> = { vision: "sees", thinking: "thinks", tools: "uses tools" };
const GIGABYTE = 1e9;

/** What is known of a model, in a line. */
export function modelDetails({ provider, parameter_size, size_bytes, context_length, capabilities = [], loaded }: Model): string {
  const facts = [
    provider,
    parameter_size,
    size_bytes ? `${(size_bytes / GIGABYTE).toFixed(1)} GB` : "",
    context_length ? `${context_length.toLocaleString("en")} tokens` : "",
    capabilities.flatMap((each) => ABILITIES[each] ?? []).join(", "),
    loaded ? "loaded" : "",
  ];
  return facts.filter(Boolean).join(" · ");
}

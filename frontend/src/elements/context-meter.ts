// <context-meter>: how much of what the model can take in is used, and a warning before the oldest words fall out.
import { need } from "../lib/dom";
import { ApiError, api } from "../lib/http";
import { contextSentence, contextWarning, type Context } from "../lib/sentences";

export class ContextMeter extends HTMLElement {
  /** Asks anew; says nothing while nobody can tell. */
  async look(conversation: string, leaf: string): Promise<void> {
    const query = leaf ? `?leaf=${leaf}` : "";
    const context = conversation ? await api<Partial<Context>>("GET", `/api/conversations/${conversation}/context${query}`).catch(quietly) : null;
    if (!context?.context_length) return this.#say("", "");
    this.#say(contextSentence(context as Context), contextWarning(context as Context));
  }

  #say(sentence: string, warning: string): void {
    this.hidden = !sentence;
    this.textContent = sentence;
    const line = need("#context-warning", HTMLElement);
    line.hidden = !warning;
    line.textContent = warning;
  }
}

/** Not worth a complaint: whoever asks the model hears it soon enough. */
function quietly(error: unknown): null {
  if (error instanceof ApiError) return null;
  throw error;
}

// <context-meter>: how much of what the model can take in is used, and a warning before the oldest words fall out.
import { need } from "../lib/dom";
import { ApiError, api } from "../lib/http";
import { contextSentence, contextWarning, type Context } from "../lib/sentences";

export class ContextMeter extends HTMLElement {
  #looks = 0;

  /** Asks anew, for the model that was picked, if any; says nothing while nobody can tell. */
  async look(conversation: string, leaf: string, model: string | null): Promise<void> {
    const look = (this.#looks += 1);
    const query = new URLSearchParams({ ...(leaf && { leaf }), ...(model && { model }) });
    const context = conversation ? await api<Partial<Context>>("GET", `/api/conversations/${conversation}/context?${query}`).catch(quietly) : null;
    if (look !== this.#looks) return;
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

// <model-picker>: which model answers. Asks the server what can be picked now and says what can't be reached.
import { ApiError, api } from "../lib/http";
import { find, need, part } from "../lib/dom";
import { preferences } from "../lib/store";

interface Model {
  name: string;
  provider: string;
  parameter_size: string | null;
}

interface Models {
  models: Model[];
  default: string | null;
  unreachable: { provider: string; error: string }[];
}

const REMEMBERED = "model";
const FRESH_MS = 10_000;

export class ModelPicker extends HTMLElement {
  #loadedAt = 0;
  #isComplete = false;

  connectedCallback(): void {
    this.#select.addEventListener("change", () => this.#remember());
    addEventListener("focus", () => this.#lookAgain());
    this.#select.addEventListener("focus", () => this.#lookAgain());
    find("#check-models", HTMLButtonElement)?.addEventListener("click", () => void this.load());
    void this.load();
  }

  /** The chosen model; null leaves the choice to the server. */
  get value(): string | null {
    return this.#select.value || null;
  }

  /** Asks the server what is there now. */
  async load(): Promise<void> {
    this.#loadedAt = Date.now();
    try {
      this.#show(await api<Models>("GET", "/api/models"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#isComplete = false;
      this.#complain([error.message]);
    }
  }

  #show({ models, default: standard, unreachable }: Models): void {
    const chosen = this.#choose(models, standard);
    const options = models.map((model) => new Option(model.name, model.name, false, model.name === chosen));
    if (options.length === 0) options.push(new Option("No model", ""));
    this.#select.replaceChildren(...options);
    this.#select.disabled = models.length === 0;
    this.#isComplete = unreachable.length === 0;
    this.#complain(unreachable.map(({ error }) => error));
  }

  /** The conversation's own model, else the last one picked in this browser, else the server's default. */
  #choose(models: Model[], standard: string | null): string | undefined {
    const wishes = [this.value, this.dataset.model, preferences.get(REMEMBERED), standard];
    return wishes.find((wish) => wish && models.some(({ name }) => name === wish)) ?? models[0]?.name;
  }

  #complain(sentences: string[]): void {
    need("#models-banner", HTMLElement).hidden = sentences.length === 0;
    part(need("#models-banner", HTMLElement), "reason").textContent = sentences.join(" ");
  }

  #remember(): void {
    preferences.set(REMEMBERED, this.#select.value);
  }

  /** While something is missing, coming back to the page is a good moment to ask again. */
  #lookAgain(): void {
    if (!this.#isComplete && Date.now() - this.#loadedAt > FRESH_MS) void this.load();
  }

  get #select(): HTMLSelectElement {
    return need("select", HTMLSelectElement, this);
  }
}

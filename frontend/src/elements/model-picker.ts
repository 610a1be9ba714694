// <model-picker>: which model answers. Asks the server what can be picked now and says what can't be reached.
import { chooseModel, type Models } from "../conversation/models";
import { ApiError, api } from "../lib/http";
import { find, need, part } from "../lib/dom";
import type { Model } from "../lib/sentences";
import { preferences } from "../lib/store";

const REMEMBERED = "model";
const FRESH_MS = 10_000;

/** The listed name of a model; a name without a tag means `:latest`. */
function listedName(models: Model[], wanted: string | null): string | null {
  const plain = (name: string) => name.replace(/:latest$/, "");
  return models.find(({ name }) => wanted && plain(name) === plain(wanted))?.name ?? null;
}

/** A line at the end of the list for a provider that can't be asked now. */
function absent({ provider, error }: Models["unreachable"][number]): HTMLOptionElement {
  const option = new Option(`${provider}: not reachable`, "");
  option.disabled = true;
  option.title = error;
  return option;
}

export class ModelPicker extends HTMLElement {
  #loadedAt = 0;
  #isComplete = false;
  #picked: string | null = null;
  #listing: Models = { models: [], default: null, unreachable: [] };

  connectedCallback(): void {
    this.#picked = this.dataset.model || null;
    this.#select.addEventListener("change", () => this.#pick());
    addEventListener("focus", () => this.#lookAgain());
    this.#takeOver();
    find("#check-models", HTMLButtonElement)?.addEventListener("click", () => void this.load());
    void this.load();
  }

  /** The model that somebody picked: here, for this conversation, or last time. Null leaves the choice to the server. */
  get value(): string | null {
    return this.#picked;
  }

  /** Takes the model that was set for this conversation; with "" it is chosen as in a new chat. */
  prefer(model: string): void {
    this.#picked = model || null;
    void this.load();
  }

  /** Asks the server what is there now. */
  async load(): Promise<void> {
    this.#loadedAt = Date.now();
    try {
      this.#listing = await api<Models>("GET", "/api/models");
      this.#show(this.#listing);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#isComplete = false;
      this.#complain([error.message]);
    }
  }

  /** The list with its search takes the place of the browser's own, which stays beneath as what holds the choice. */
  #takeOver(): void {
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => void this.#choose());
    this.#select.classList.add("visually-hidden");
    this.#select.tabIndex = -1;
    this.#name();
  }

  /** Gives the model that somebody chooses for one answer, "" when they think better of it. */
  ask(): Promise<string> {
    this.#lookAgain();
    return chooseModel(this.#listing, this.#select.value);
  }

  async #choose(): Promise<void> {
    const name = await this.ask();
    if (!name) return;
    this.#select.value = name;
    this.#pick();
  }

  #name(): void {
    part(this, "chosen").textContent = this.#select.selectedOptions[0]?.text ?? "";
  }

  #show({ models, default: standard, unreachable }: Models): void {
    if (this.#picked === null) this.#take(listedName(models, this.dataset.default || preferences.get(REMEMBERED)));
    const wanted = this.#picked ?? standard;
    const listed = listedName(models, wanted);
    const options = models.map(({ name }) => new Option(name, name, false, name === listed));
    const troubles = unreachable.map(({ error }) => error);
    if (wanted && !listed) {
      const why = troubles.length > 0 ? "not reachable" : "not installed";
      options.unshift(new Option(`${wanted} (${why})`, wanted, false, true));
      if (troubles.length === 0) troubles.push(`The model ${wanted} is not installed. Install it, or pick another one.`);
    }
    if (options.length === 0) options.push(new Option("No model", ""));
    this.#select.replaceChildren(...options, ...unreachable.map(absent));
    this.#select.disabled = models.length === 0;
    this.#button.disabled = this.#select.disabled;
    this.#name();
    this.#isComplete = troubles.length === 0;
    this.#complain(listed ? [] : troubles); // while the chosen model answers, the list says what is missing, and that is enough
  }

  #complain(sentences: string[]): void {
    need("#models-banner", HTMLElement).hidden = sentences.length === 0;
    part(need("#models-banner", HTMLElement), "reason").textContent = sentences.join(" ");
  }

  #pick(): void {
    this.#take(this.#select.value);
    preferences.set(REMEMBERED, this.#select.value);
    this.#name();
    if (!this.#isComplete) void this.load(); // what was missing may not matter any more
  }

  #take(model: string | null): void {
    if (model === this.#picked) return;
    this.#picked = model;
    this.dispatchEvent(new Event("model-picked", { bubbles: true }));
  }

  /** While something is missing, coming back to the page is a good moment to ask again. */
  #lookAgain(): void {
    if (!this.#isComplete && Date.now() - this.#loadedAt > FRESH_MS) void this.load();
  }

  get #button(): HTMLButtonElement {
    return need("#pick-model", HTMLButtonElement, this);
  }

  get #select(): HTMLSelectElement {
    return need("select", HTMLSelectElement, this);
  }
}

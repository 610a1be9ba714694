// The dialog in which a model is chosen: with a search, and with what is known of each.
import { askIn } from "../behaviours/dialogs";
import { fromTemplate, need, part } from "../lib/dom";
import { modelDetails, type Model } from "../lib/sentences";

export interface Models {
  models: Model[];
  default: string | null;
  unreachable: { provider: string; error: string }[];
}

/** Gives the name of the model that somebody chose, "" when they thought better of it. */
export async function chooseModel({ models, unreachable }: Models, current: string): Promise<string> {
  const dialog = need("#models-dialog", HTMLDialogElement);
  const search = need("#find-model", HTMLInputElement);
  const show = (): void => {
    const words = search.value.toLowerCase().split(/\s+/);
    const fitting = models.filter((model) => words.every((word) => `${model.name} ${modelDetails(model)}`.toLowerCase().includes(word)));
    part(dialog, "models").replaceChildren(...fitting.map((model) => row(model, current)));
    part(dialog, "no-models").hidden = fitting.length > 0;
  };
  search.value = "";
  search.oninput = show;
  show();
  part(dialog, "away").hidden = unreachable.length === 0;
  part(dialog, "away").textContent = unreachable.map(({ error }) => error).join(" ");
  const chosen = askIn(dialog);
  search.focus();
  return chosen;
}

function row(model: Model, current: string): HTMLElement {
  const item = fromTemplate("model-row", HTMLElement);
  const button = need("button", HTMLButtonElement, item);
  button.value = model.name;
  if (model.name === current) button.setAttribute("aria-current", "true");
  part(item, "name").textContent = model.name;
  part(item, "details").textContent = modelDetails(model);
  return item;
}

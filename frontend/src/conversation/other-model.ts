// The question which other model is to answer.
import { askIn } from "../behaviours/dialogs";
import { need } from "../lib/dom";

/** Gives the model that somebody picked, "" when they thought better of it. */
export async function askForModel(): Promise<string> {
  const dialog = need("#model-dialog", HTMLDialogElement);
  const select = need("select", HTMLSelectElement, dialog);
  const models = [...need("#model", HTMLSelectElement).options].filter(({ value, disabled }) => value && !disabled);
  select.replaceChildren(...models.map(({ value, text, selected }) => new Option(text, value, false, selected)));
  return (await askIn(dialog)) === "yes" ? select.value : "";
}

// Native dialogs that the server rendered; each function gives what the person chose.
import { delegate, need, part } from "../lib/dom";
import { ApiError } from "../lib/http";

/** Shows a dialog and gives its return value: the value of the button, or "" when it was dismissed. */
export function askIn(dialog: HTMLDialogElement): Promise<string> {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Asks whether to go on with the thing named. */
export async function confirmed(id: string, name: string): Promise<boolean> {
  const dialog = need(`#${id}`, HTMLDialogElement);
  part(dialog, "name").textContent = name;
  return (await askIn(dialog)) === "yes";
}

/** Asks for a line of text; null when the person thought better of it. */
export async function askForText(id: string, current: string): Promise<string | null> {
  const dialog = need(`#${id}`, HTMLDialogElement);
  const field = need("input", HTMLInputElement, dialog);
  field.value = current;
  const answer = askIn(dialog);
  field.select();
  return (await answer) === "yes" ? field.value.trim() : null;
}

/** Tells something that needs no choice. */
export async function tell(sentence: string): Promise<void> {
  const dialog = need("#tell-dialog", HTMLDialogElement);
  part(dialog, "sentence").textContent = sentence;
  await askIn(dialog);
}

/** Tells why the server refused; whatever else went wrong is thrown again. */
export async function tellError(error: unknown): Promise<null> {
  if (!(error instanceof ApiError)) throw error;
  await tell(error.advice);
  return null;
}

/** Buttons with data-closes dismiss their dialog; unlike a submit button they never answer to Enter in a field. */
export function closeButtons(): void {
  delegate("click", "dialog [data-closes]", (button) => button.closest("dialog")?.close(""));
}

/** Forms with data-confirm ask first, with data-confirm-act as the word for it; without JavaScript they just act. */
export function confirmForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    part(need("#confirm-dialog", HTMLDialogElement), "act").textContent = form.dataset.confirmAct ?? "Go on";
    void confirmed("confirm-dialog", form.dataset.confirm).then((yes) => {
      if (!yes) return;
      form.dataset.confirmed = "true";
      form.requestSubmit(event.submitter);
    });
  });
}

// The form in which a question is put in other words, in the place of its bubble.
import { fromTemplate, need, part } from "../lib/dom";
import { sendsBy } from "../lib/keys";
import type { MessageItem } from "./message-item";

/** Sends the new words; resolves with a sentence when that was refused. */
type Send = (text: string) => Promise<string>;

export const EditForm = {
  /** Opens the form; Escape and Cancel close it, and the focus goes back to where it came from. */
  open(item: MessageItem, send: Send, text = item.body.text): void {
    if (item.querySelector("form")) return;
    const form = fromTemplate("edit-form", HTMLFormElement);
    const field = need("textarea", HTMLTextAreaElement, form);
    const close = (): void => {
      form.remove();
      item.removeAttribute("data-editing");
    };
    const cancel = (): void => {
      close();
      part(item, "edit").focus();
    };
    const submit = async (event: Event): Promise<void> => {
      event.preventDefault();
      const words = field.value.trim();
      if (!words) return;
      close();
      const refusal = await send(words);
      if (refusal) EditForm.refused(item, send, words, refusal);
    };
    form.addEventListener("submit", (event) => void submit(event));
    part(form, "cancel-edit").addEventListener("click", cancel);
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") cancel();
      else if (event.target !== field || !sendsBy(event)) return;
      else form.requestSubmit();
      event.preventDefault();
      event.stopPropagation();
    });
    item.dataset.editing = "";
    item.body.after(form);
    field.value = text;
    field.focus();
    field.setSelectionRange(text.length, text.length);
  },

  /** Opens the form again with the words that could not be sent, and the reason. */
  refused(item: MessageItem, send: Send, words: string, reason: string): void {
    EditForm.open(item, send, words);
    const line = need(".hint", HTMLElement, item);
    line.setAttribute("role", "alert");
    line.textContent = reason;
  },
};

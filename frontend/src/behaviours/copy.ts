// Copy buttons: data-copies says what. "message" is the text as written, "code" the block around, else the id of an element.
import { announce } from "../lib/announce";
import { delegate } from "../lib/dom";

const SHOWN_MS = 2000;

/** Makes every copy button work, now and later. */
export function copyButtons(): void {
  delegate("click", "button[data-copies]", (button) => void copy(button));
}

async function copy(button: HTMLElement): Promise<void> {
  if (!(await copyText(source(button)))) return;
  button.dataset.copied = "";
  announce("Copied.");
  setTimeout(() => delete button.dataset.copied, SHOWN_MS);
}

/** Puts a text onto the clipboard; gives whether that worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyTheOldWay(text);
  }
}

function source(button: HTMLElement): string {
  const what = button.dataset.copies ?? "";
  if (what === "code") return button.closest("figure")?.querySelector("code")?.textContent ?? "";
  if (what !== "message") return textOf(document.getElementById(what));
  const body = button.closest("message-item")?.querySelector('[data-part="text"]');
  return body && "text" in body ? String(body.text) : (body?.textContent ?? "");
}

function textOf(element: HTMLElement | null): string {
  return element instanceof HTMLInputElement ? element.value : (element?.textContent ?? "");
}

/** The clipboard interface needs https or localhost; a home network often has neither. */
function copyTheOldWay(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return isCopied;
}

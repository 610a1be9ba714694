// Code blocks and tables get what reading needs: a head with the language and its buttons, colours, room to scroll.
import { fromTemplate, part } from "../lib/dom";
import { sanitize } from "./sanitize";

const LONGEST_COLOURED = 60_000;

/** Dresses the blocks of a fragment that is not on the page yet. */
export function dress(fragment: DocumentFragment): void {
  for (const pre of fragment.querySelectorAll("pre")) frameCode(pre);
  for (const table of fragment.querySelectorAll("table")) frameTable(table);
  for (const box of fragment.querySelectorAll("span.task, span.task-done")) box.replaceWith(checkbox(box.className));
  for (const back of fragment.querySelectorAll(".footnote-back")) back.setAttribute("aria-label", "Back to the text");
}

function frameCode(pre: HTMLPreElement): void {
  const frame = fromTemplate("code-block", HTMLElement);
  part(frame, "language").textContent = languageOf(pre.querySelector("code")) || "text";
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  pre.setAttribute("role", "group"); // a page may hold hundreds: too many for landmarks
  pre.setAttribute("aria-label", "Code");
  frame.append(pre);
}

function frameTable(table: HTMLTableElement): void {
  const frame = fromTemplate("table-block", HTMLElement);
  table.replaceWith(frame);
  frame.append(table);
}

function checkbox(name: string): HTMLElement {
  return fromTemplate(name === "task" ? "task-open" : "task-done", HTMLElement);
}

/** The language that a code element was marked with, in lower case. */
export function languageOf(code: Element | null): string {
  const name = [...(code?.classList ?? [])].find((each) => each.startsWith("language-"));
  return name?.slice("language-".length).toLowerCase() ?? "";
}

/** Colours the code below these settled nodes; the library is fetched when there is the first code to colour. */
export async function colour(blocks: Element[]): Promise<void> {
  const worthwhile = blocks.filter((code) => (code.textContent?.length ?? 0) <= LONGEST_COLOURED);
  if (worthwhile.length === 0) return;
  const { default: hljs } = await import("./languages");
  for (const code of worthwhile) {
    const language = languageOf(code);
    if (!hljs.getLanguage(language)) continue;
    const { value } = hljs.highlight(code.textContent ?? "", { language, ignoreIllegals: true });
    code.replaceChildren(sanitize(value));
    code.setAttribute("data-coloured", "");
  }
}

// Diagrams, drawn by a page in a sandboxed frame; a chunk of its own. What comes back is shown as an image, so that
// nothing in it can run, load or be clicked. The source stays below it, and alone where it can't be drawn.
import { find, fromTemplate, need, part } from "../lib/dom";
import { DiagramFrame } from "./diagram-frame";

const LONGEST = 20_000;

const frame = new DiagramFrame();
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** Draws the diagrams of these code elements. */
export async function drawDiagrams(blocks: Element[]): Promise<void> {
  await Promise.all(blocks.map(drawOne));
}

async function drawOne(code: Element): Promise<void> {
  const figure = code.closest<HTMLElement>("figure.code");
  const source = code.textContent ?? "";
  if (!figure) return;
  figure.setAttribute("data-drawn-from", source);
  const drawn = source.length <= LONGEST ? await frame.draw(source, isDark()) : null;
  if (drawn) show(figure, drawn.svg, drawn.kind);
  figure.setAttribute("data-state", drawn ? "drawn" : "failed");
  if (!drawn && !find('[data-part="diagram-fault"]', HTMLElement, figure)) figure.append(fromTemplate("diagram-fault", HTMLElement));
}

function show(figure: HTMLElement, svg: string, kind: string): void {
  if (!find('[data-part="diagram"]', HTMLElement, figure)) unfold(figure);
  const image = need("img", HTMLImageElement, figure);
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  image.alt = `Diagram: ${kind}. Its source follows.`;
}

/** Puts the picture above the source, and folds the source. */
function unfold(figure: HTMLElement): void {
  const parts = fromTemplate("diagram-block", HTMLElement);
  const pre = need("pre", HTMLPreElement, figure);
  pre.replaceWith(...parts.children);
  part(figure, "diagram-source").append(pre);
}

function isDark(): boolean {
  const { theme = "system" } = document.documentElement.dataset;
  return theme === "system" ? systemIsDark.matches : theme === "dark";
}

async function redraw(): Promise<void> {
  await drawDiagrams([...document.querySelectorAll('figure.code[data-state="drawn"] pre > code.language-mermaid')]);
}

systemIsDark.addEventListener("change", () => void redraw());
new MutationObserver(() => void redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });

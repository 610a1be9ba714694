// What settled words turn into once they stand on the page: coloured code, formulas, diagrams. Each part is fetched when
// there is the first of its kind; until then, and wherever it fails, the source is there to read.
import { colour, languageOf } from "./code";

const CODE = 'pre > code[class*="language-"]:not([data-coloured])';
const FORMULA = ":is(.formula, .formula-block):not([data-drawn-from])";

/** Draws what can be drawn in and below these nodes. */
export async function draw(nodes: Iterable<Node>): Promise<void> {
  const roots = [...nodes].filter((node) => node instanceof Element);
  const all = (selector: string) => roots.flatMap((root) => [...(root.matches(selector) ? [root] : []), ...root.querySelectorAll(selector)]);
  const code = all(CODE);
  const diagrams = code.filter((each) => languageOf(each) === "mermaid" && !each.closest("[data-drawn-from]"));
  const formulas = all(FORMULA);
  await Promise.all([
    colour(code.filter((each) => languageOf(each) !== "mermaid")),
    formulas.length > 0 && import("./formulas").then(({ drawFormulas }) => drawFormulas(formulas)),
    diagrams.length > 0 && import("./diagrams").then(({ drawDiagrams }) => drawDiagrams(diagrams)),
  ]);
}

// Formulas, drawn by KaTeX: a chunk of its own, with its stylesheet.
import katex from "katex";
import stylesheet from "../../styles/formulas.css";

const LONGEST = 10_000;
const AT_A_TIME = 12;
const DELIMITERS = /^(?:\$\$?|\\\(|\\\[)([\s\S]*?)(?:\$\$?|\\\)|\\\])$/;

let loading: Promise<void> | undefined;

/** Draws formulas in the place of their sources; what KaTeX does not understand stays as it was written. */
export async function drawFormulas(elements: Element[]): Promise<void> {
  await (loading ??= load(stylesheet));
  for (const [i, element] of elements.entries()) {
    if (i % AT_A_TIME === AT_A_TIME - 1) await new Promise((resolve) => setTimeout(resolve)); // a hand may be waiting
    if (!element.hasAttribute("data-drawn-from")) drawOne(element);
  }
}

function load(address: string): Promise<void> {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  const done = new Promise<void>((resolve) => ["load", "error"].forEach((type) => link.addEventListener(type, () => resolve())));
  document.head.append(link);
  return done;
}

function drawOne(element: Element): void {
  const source = element.textContent ?? "";
  const tex = source.match(DELIMITERS)?.[1] ?? "";
  const isBlock = element.classList.contains("formula-block");
  const node = source.length <= LONGEST ? toNode(tex.trim(), isBlock) : null;
  if (node) element.replaceChildren(node);
  if (node && isBlock) letScroll(element);
  element.setAttribute("data-drawn-from", source);
  element.setAttribute("data-state", node ? "drawn" : "failed");
}

/** A formula may be wider than the screen, and a keyboard has to reach its end. */
function letScroll(element: Element): void {
  for (const [name, value] of Object.entries({ tabindex: "0", role: "group", "aria-label": "Formula" })) element.setAttribute(name, value);
}

function toNode(tex: string, displayMode: boolean): Node | null {
  const options = { displayMode, throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 200 } as const;
  try {
    return withoutStyleAttributes((katex as unknown as Inside).__renderToDomTree(tex, options)).toNode();
  } catch (error) {
    if (error instanceof katex.ParseError || error instanceof RangeError) return null;
    throw error;
  }
}

/** katex.render() is toNode() of this; its types don't tell. */
interface Inside {
  __renderToDomTree(tex: string, options: object): Part;
}

interface Part {
  attributes?: Record<string, string>;
  children?: Part[];
  toNode(): Node;
}

/** KaTeX sets most styles as properties, a few as attributes, which the content security policy blocks: these too become properties. */
function withoutStyleAttributes(part: Part): Part {
  part.children?.forEach(withoutStyleAttributes);
  const { style, ...others } = part.attributes ?? {};
  if (!style) return part;
  part.attributes = others;
  const plain = part.toNode.bind(part);
  part.toNode = () => styled(plain(), style);
  return part;
}

function styled(node: Node, style: string): Node {
  for (const declaration of style.split(";")) {
    const [name, value] = declaration.split(":", 2);
    if (name && value) (node as HTMLElement | SVGElement).style?.setProperty(name.trim(), value.trim());
  }
  return node;
}

// From Markdown to nodes that may stand on the page: rendered, sanitised, dressed. In this order, always.
import { dress } from "./code";
import { renderMarkdown } from "./render";
import { sanitize } from "./sanitize";

export { BlockSplitter } from "./blocks";
export { draw } from "./draw";
export { patchNodes } from "./patch";

/** The nodes of a text. */
export function toNodes(text: string): ChildNode[] {
  const fragment = sanitize(renderMarkdown(text));
  dress(fragment);
  return [...fragment.childNodes];
}

// Task lists: "- [ ] to do", "- [x] done". The boxes are put in by code.ts, from a <template> of the page.
import type { MarkdownIt } from "markdown-it";

const BOX = /^\[([ xX])\]\s+/;

/** Teaches a Markdown parser task lists. */
export function tasks(markdown: MarkdownIt): void {
  markdown.core.ruler.after("inline", "tasks", ({ tokens, Token }) => {
    tokens.forEach((token, i) => {
      const words = token.children?.[0];
      const box = words?.type === "text" && words.content.match(BOX);
      if (!box || tokens[i - 1]?.type !== "paragraph_open" || tokens[i - 2]?.type !== "list_item_open") return;
      words.content = words.content.slice(box[0].length);
      const mark = new Token("task", "span", 0);
      mark.info = box[1] === " " ? "task" : "task-done";
      token.children?.unshift(mark);
      tokens[i - 2]?.attrJoin("class", "task-item");
    });
  });
  markdown.renderer.rules.task = (tokens, i) => `<span class="${tokens[i]?.info}"></span>`;
}

// Markdown to HTML text, pure. What comes out is not trusted: sanitize.ts is the only way onto the page.
import MarkdownIt from "markdown-it";
import { footnotes } from "./footnotes";
import { formulas } from "./formula-rules";
import { tasks } from "./tasks";

const SAFE_LINK = /^(https?:\/\/|mailto:)/i;
const TOP_LEVEL = 3; // the page has h1, each message an h2

const markdown = new MarkdownIt("default", { html: false, linkify: true, breaks: true, typographer: false });
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false }); // README.md and main.rs are not addresses
markdown.validateLink = (url) => SAFE_LINK.test(url.trim());
for (const teach of [footnotes, formulas, tasks]) teach(markdown);

type Tokens = ReturnType<typeof markdown.parse>;

// A remote image would tell its server that the answer was read, and can carry words of the chat away: it becomes a link.
markdown.renderer.rules.image = (tokens, index) => {
  const image = tokens[index];
  const { escapeHtml } = markdown.utils;
  const source = String(image?.attrGet("src") ?? "");
  return `<a href="${escapeHtml(source)}">${escapeHtml(image?.content || source)}</a>`;
};

markdown.core.ruler.push("headings", (state) => levelHeadings(state.tokens));
markdown.core.ruler.push("alignment", (state) => alignWithClasses(state.tokens));

/** Headings follow each other without a gap, whatever the model wrote; their size stays as written, by class. */
function levelHeadings(tokens: Tokens): void {
  let open: number[] = [];
  let level = 0;
  for (const token of tokens) {
    if (token.type === "heading_open") {
      const written = Number(token.tag.slice(1));
      open = [...open.filter((other) => other < written), written];
      level = Math.min(6, TOP_LEVEL - 1 + open.length);
      token.attrJoin("class", `heading-${written}`);
    }
    if (token.type === "heading_open" || token.type === "heading_close") token.tag = `h${level}`;
  }
}

/** The content security policy blocks style attributes. */
function alignWithClasses(tokens: Tokens): void {
  for (const token of tokens) {
    const style = String(token.attrGet("style") ?? "").match(/^text-align:(left|right|center)$/);
    if (!style) continue;
    token.attrs = (token.attrs ?? []).filter(([name]) => name !== "style");
    token.attrJoin("class", `align-${style[1]}`);
  }
}

/** The HTML of a text. */
export function renderMarkdown(text: string): string {
  return markdown.render(text);
}

export interface Block {
  type: string;
  /** Its first line, and the line after its last. */
  start: number;
  end: number;
}

/** Where the top-level blocks of a text stand. */
export function findBlocks(text: string): Block[] {
  const tokens: Tokens = [];
  markdown.block.parse(text, markdown, {}, tokens);
  const outermost = tokens.filter(({ level, nesting }) => level === 0 && nesting >= 0);
  return outermost.flatMap(({ type, map }) => (map ? [{ type, start: map[0], end: map[1] }] : []));
}

// Footnotes: markdown-it-footnote finds them; here is how they look, and where the parser's blocks begin and end.
//
// A page holds many texts, so notes have no ids: behaviours/footnotes.ts finds the place within its own text.
import footnote from "markdown-it-footnote";
import type { MarkdownIt } from "markdown-it";

interface Meta {
  id: number;
  subId?: number;
}

/** Teaches a Markdown parser footnotes. */
export function footnotes(markdown: MarkdownIt): void {
  useMapped(markdown);
  const { rules } = markdown.renderer;
  const meta = (token: { meta: unknown } | undefined) => token?.meta as Meta;
  const number = (token: { meta: unknown } | undefined) => meta(token).id + 1;
  rules.footnote_ref = (tokens, i) => `<sup class="footnote-ref"><a href="#note-${number(tokens[i])}">${number(tokens[i])}</a></sup>`;
  rules.footnote_block_open = () => '<ol class="footnotes">\n';
  rules.footnote_block_close = () => "</ol>\n";
  rules.footnote_open = () => "<li>";
  rules.footnote_close = () => "</li>\n";
  rules.footnote_anchor = (tokens, i) =>
    meta(tokens[i]).subId ? "" : ` <a class="footnote-back" href="#noteref-${number(tokens[i])}">↩\uFE0E</a>`;
}

/** The plugin does not say which lines a definition takes; cutting a growing text into blocks needs to know. */
function useMapped(markdown: MarkdownIt): void {
  const { ruler } = markdown.block;
  const others = new Set(ruler.getRules(""));
  markdown.use(footnote);
  const define = ruler.getRules("").find((rule) => !others.has(rule));
  if (!define) throw new Error("markdown-it-footnote brought no rule for blocks");
  const mapped: typeof define = (state, startLine, endLine, silent) => {
    const before = state.tokens.length;
    if (!define(state, startLine, endLine, silent)) return false;
    const opened = state.tokens[before];
    if (opened) opened.map = [startLine, state.line];
    return true;
  };
  ruler.at("footnote_def", mapped, { alt: ["paragraph", "reference"] });
}

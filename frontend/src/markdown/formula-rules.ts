// Finds formulas, so that Markdown leaves their backslashes and underscores alone: $…$, $$…$$, \(…\), \[…\].
//
// A formula comes out as its source, delimiters and all: what can't be drawn is read as it was written.
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

const CLOSING: Record<string, string> = { "$$": "$$", "\\[": "\\]", "\\(": "\\)" };
const FENCE = /^\s*(```|~~~)/;
const PRICE = /^\d[\d.,]*\w*\s+[a-z]{2,}/i; // "$5 for tea and 3$"

/** Teaches a Markdown parser what a formula is. */
export function formulas(markdown: MarkdownIt): void {
  markdown.inline.ruler.before("escape", "formula", inline);
  markdown.block.ruler.before("fence", "formula_block", block, { alt: ["paragraph", "reference", "blockquote", "list"] });
  const { escapeHtml } = markdown.utils;
  markdown.renderer.rules.formula = (tokens, i) => `<span class="${tokens[i]?.info}">${escapeHtml(tokens[i]?.content ?? "")}</span>`;
  markdown.renderer.rules.formula_block = (tokens, i) => `<p class="formula-block">${escapeHtml(tokens[i]?.content ?? "")}</p>\n`;
}

function inline(state: StateInline, silent: boolean): boolean {
  const text = state.src.slice(0, state.posMax);
  const opening = text.slice(state.pos, state.pos + 2);
  const closing = CLOSING[opening];
  const end = closing ? endOf(text, state.pos + 2, closing) : endOfDollars(text, state.pos);
  if (end < 0) return false;
  if (!silent) {
    const token = state.push("formula", "span", 0);
    token.content = text.slice(state.pos, end);
    token.info = closing && opening !== "\\(" ? "formula-block" : "formula";
  }
  state.pos = end;
  return true;
}

/** The place after the closing delimiter, -1 where there is none or nothing before it. */
function endOf(text: string, start: number, closing: string): number {
  const end = text.indexOf(closing, start);
  return end < 0 || text.slice(start, end).trim() === "" ? -1 : end + closing.length;
}

/** One dollar on each side, tight around the formula and loose outside: neither "$5 and $10" nor "US$5 or A$6" is one. */
function endOfDollars(text: string, start: number): number {
  if (text[start] !== "$" || /[\w$\\]/.test(text[start - 1] ?? "") || !/[^\s$]/.test(text[start + 1] ?? "")) return -1;
  for (let i = start + 1; i < text.length && text[i] !== "\n"; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "$") return isClosing(text, i) && !PRICE.test(text.slice(start + 1, i)) ? i + 1 : -1;
  }
  return -1;
}

function isClosing(text: string, i: number): boolean {
  return /\S/.test(text[i - 1] ?? "") && !/[\w$]/.test(text[i + 1] ?? "");
}

/**
 * A line that begins with $$ or \[ begins a block of its own, also within a paragraph. It ends with its closing delimiter
 * at the end of a line. TeX knows no empty lines in a formula: one before that, and it was a paragraph. So every line
 * decides for itself, and a text that is still growing is never cut differently from a whole one.
 */
function block(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const first = lineOf(state, startLine);
  const opening = first.slice(0, 2);
  const closing = opening === "\\(" ? undefined : CLOSING[opening];
  if (!closing || state.sCount[startLine]! - state.blkIndent >= 4) return false;
  if (first.includes(closing, 2) && !first.endsWith(closing)) return false; // "$$x$$ is …" is a sentence
  if (silent) return true;
  let line = startLine;
  let isClosed = first.length > 4 && first.endsWith(closing);
  while (!isClosed && line + 1 < endLine && belongs(state, line + 1)) isClosed = lineOf(state, ++line).endsWith(closing);
  state.line = line + 1;
  pushBlock(state, state.getLines(startLine, state.line, state.blkIndent, false).trim(), startLine, isClosed);
  return true;
}

function lineOf(state: StateBlock, line: number): string {
  return state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]).trimEnd();
}

function belongs(state: StateBlock, line: number): boolean {
  return !state.isEmpty(line) && state.sCount[line]! >= state.blkIndent && !FENCE.test(lineOf(state, line));
}

function pushBlock(state: StateBlock, content: string, startLine: number, isClosed: boolean): void {
  const map: [number, number] = [startLine, state.line];
  if (isClosed) return void Object.assign(state.push("formula_block", "p", 0), { content, map, block: true });
  state.push("paragraph_open", "p", 1).map = map;
  Object.assign(state.push("inline", "", 0), { content, map, children: [] });
  state.push("paragraph_close", "p", -1);
}

// Texts as models write them, and texts as nobody would.

export const TEXTS: Record<string, string> = {
  "formulas in words": "Let $x^2$ and \\(y_1\\) be, with $$z$$ in the middle\nand \\[w\\] too. **$a_1$** and $b_2$.\n\nIt costs $5 and $10.",
  "formulas on their own": "As\n$$\n\\frac{a}{b}\n= c\n$$\nshows:\n\n\\[ x = 1 \\]\n\n$$ y = 2 $$\nand on.",
  "formulas of several lines": "\\[\n\\begin{aligned}\na &= b \\\\\n- c &= d\n\\end{aligned}\n\\]\n\n$$ a\n+ b\n- c $$\n\nend",
  "a formula that never closes": "Now\n$$\na\n- b\n\n# Head\n\n\\[ c\n\n- d",
  "dollars at the start": "$$ is money\n```sh\necho $$\n```\n$$x$$ is a sentence\n",
  "formulas in a list": "1. first\n   $$\n   a\n   $$\n   more\n2. $b$\n\n   \\[\n   c\n   \\]\n\nafter",
  "formulas in a quote": "> so\n> $$\n> a_1\n> $$\n> and\nlazy $b$\n\nafter",
  "formulas that are wrong": "$\\frac{$ and \\(\\undefined{x}\\) and $$\\begin{a}$$\n\n$$\n}{\n$$\n",
  "task lists": "- [ ] open **one**\n- [x] done\n  - [X] within\n- [y] not one\n\n1. [ ] numbered\n\n[ ] no list",
  footnotes: "One[^1] and two[^b], again[^1] and ^[in place].\n\n[^1]: First.\n\n    Goes on.\n[^b]: Second\nlazy\n\nlast[^none]",
  "footnotes first": "[^a]: note with $x$\n\n[^b]: `code`\n\ntext[^b] more[^a]\n\n- in a list[^a]",
  "wide table with formulas": "| a | b |\n|---|:-:|\n| $x$ | \\(y\\) |\n| `a\\|b` | [^1] |\n\n[^1]: n",
  "fences of all kinds": "```js\nlet a = `$x$`;\n\n```\n~~~~ python title\n~~~\n~~~~\n\n    $$\n    indented\n\n- ```\n  x\n\n  ```\n```\nopen",
  "links and pictures": "![a](https://e.org/a.png) [b](https://e.org) https://e.org/$x$ <https://e.org> www.e.org\n\n[r]: https://e.org/r\n\n[r] and [r][r]",
  "escapes": "\\$5 \\\\(a\\\\) \\\\[b\\\\] \\* \\` &amp; &lt; `$x$` ``\\(a\\)``\n",
  "html and formulas": "<b>$x$</b>\n<div>\n$$\na\n$$\n</div>\n\n$<img src=x>$\n",
};

const PIECES = [
  "$", "$$", "\\(", "\\)", "\\[", "\\]", "\n", "\n\n", "\n$$\n", "\n\\[\n", "- ", "1. ", "> ", "    ", "  ", "\t", "# ", "```", "~~~", "```js\n", "|", "|--|\n",
  "[^1]", "[^1]: ", "[ ] ", "- [x] ", "[a]", "[a]: https://e.org\n", "*", "**", "_", "`", "x", " word", "x^2", "\\frac12", "\\", "<b>", "&amp;", "---\n", "===\n",
  "\r\n", "\r", "🙂", "é", "日本", "5", "1", ".", "https://e.org ", "![i](https://e.org/i)", "^[n]", "~~",
];

/** A text that is the same for the same seed (mulberry32). */
export function randomText(seed: number): string {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const length = 5 + Math.floor(random() * 40);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join("");
}

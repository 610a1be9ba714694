// A stylesheet that is not part of app.css: importing it gives its address, see build.mjs.
declare module "*.css" {
  const address: string;
  export default address;
}

declare module "markdown-it-footnote" {
  import type { MarkdownIt } from "markdown-it";

  export default function footnote(markdown: MarkdownIt): void;
}

// The only importer of DOMPurify, and the only way for HTML text to become nodes.
import DOMPurify, { type Config } from "dompurify";

const TAGS = [
  "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "sup",
  "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const CLASS =
  /^(hljs(-[\w-]+)?|(function|class|inherited)_|language-[\w+#.-]+|align-(left|right|center)|heading-[1-6]|formula(-block)?|footnote-(ref|back)|footnotes|task(-done|-item)?)$/;
const SAFE_LINK = /^(https?:\/\/|mailto:)/i;
const NOTE_LINK = /^#note(ref)?-\d+$/;

const OPTIONS: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["class", "href", "start", "title"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  keepKnownClasses(node);
  if (node.nodeName === "A") guardLink(node);
});

function keepKnownClasses(node: Element): void {
  if (!node.hasAttribute("class")) return;
  const known = [...node.classList].filter((name) => CLASS.test(name));
  if (known.length > 0) node.setAttribute("class", known.join(" "));
  else node.removeAttribute("class");
}

/** Only absolute web and mail addresses, and footnotes: what a model writes must not lead into this application either. */
function guardLink(link: Element): void {
  const address = link.getAttribute("href")?.trim() ?? "";
  if (NOTE_LINK.test(address)) return;
  if (!SAFE_LINK.test(address)) {
    link.removeAttribute("href");
    return;
  }
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
}

/** The harmless part of an HTML text, as nodes. */
export function sanitize(html: string): DocumentFragment {
  const clean: DocumentFragment | null = DOMPurify.sanitize(html, OPTIONS);
  return clean ?? document.createDocumentFragment(); // of a <frameset> nothing is left
}

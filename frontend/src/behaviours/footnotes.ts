// A footnote's number leads to the note and back, within the text that it belongs to.
import { delegate, find } from "../lib/dom";

/** Makes every footnote's links work, now and later. */
export function footnoteLinks(): void {
  delegate("click", 'message-body a[href^="#note"]', (link, event) => {
    event.preventDefault();
    const target = targetOf(link);
    target?.scrollIntoView({ block: "nearest" });
    target?.focus({ preventScroll: true });
  });
}

function targetOf(link: HTMLElement): HTMLElement | null {
  const body = link.closest("message-body");
  const [, kind, number] = link.getAttribute("href")?.match(/^#(note|noteref)-(\d+)$/) ?? [];
  if (!body || !number) return null;
  const selector = kind === "note" ? `.footnotes > li:nth-child(${number})` : `.footnote-ref > a[href="#note-${number}"]`;
  const target = find(selector, HTMLElement, body);
  if (kind === "note") target?.setAttribute("tabindex", "-1");
  return target;
}

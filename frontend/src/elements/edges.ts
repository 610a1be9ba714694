// What leads on from the messages that are shown: a link to older ones above them, and one to newer ones below.
import { find, fromTemplate } from "../lib/dom";

/** Shows the link to older messages above the first one, or takes it away. */
export function noteOlder(column: HTMLElement, before: string | undefined): void {
  find("#older-messages", HTMLElement, column)?.remove();
  if (!before) return;
  const link = fromTemplate("older-link", HTMLAnchorElement);
  link.href = `?before=${before}`;
  column.prepend(link);
}

/** Shows the link to what comes after the last message on the way to the newest one, or takes it away. */
export function noteNewer(column: HTMLElement, newest: string, after: string | undefined): void {
  find("#newer-messages", HTMLElement, column)?.remove();
  if (!newest || !after) return;
  const link = fromTemplate("newer-link", HTMLAnchorElement);
  link.href = `?leaf=${newest}&after=${after}`;
  column.append(link);
}

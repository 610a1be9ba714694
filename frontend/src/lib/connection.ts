// The banner that says the connection is gone, quiet at first: most losses are over before anybody notices.
import { need } from "./dom";

const QUIET_MS = 3000;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows the banner when the loss lasts, hides it as soon as the connection is back. */
export function noteConnection(isLost: boolean): void {
  const banner = need("#connection-banner", HTMLElement);
  if (!isLost) {
    clearTimeout(timer);
    timer = undefined;
    banner.hidden = true;
  } else if (banner.hidden) timer ??= setTimeout(() => (banner.hidden = false), QUIET_MS);
}

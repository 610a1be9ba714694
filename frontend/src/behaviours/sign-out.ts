// Signing out leaves no words behind in the tab.
import { drafts } from "../lib/store";

/** Forgets the drafts when somebody signs out. A session that merely ended keeps them for its owner. */
export function forgetDraftsOnSignOut(): void {
  document.addEventListener("submit", ({ target }) => {
    if (target instanceof HTMLFormElement && target.action.endsWith("/auth/logout")) drafts.clear();
  });
}

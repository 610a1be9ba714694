// What the page does at a key or a button: the sidebar, the colours, the next conversation.
import { ConversationList } from "../elements/conversation-list";
import { announce } from "../lib/announce";
import { delegate, find } from "../lib/dom";
import { preferences } from "../lib/store";

const REMEMBERED = "sidebar";

const commands: Record<string, () => void> = {
  "toggle-sidebar": toggleSidebar,
  "toggle-theme": toggleTheme,
  "next-conversation": () => step(1),
  "previous-conversation": () => step(-1),
};

/** Makes the buttons with data-command work, and puts the sidebar as it was left. */
export function runCommands(): void {
  delegate("click", "[data-command]", (button) => commands[button.dataset.command ?? ""]?.());
  if (preferences.get(REMEMBERED) === "closed") close(true);
}

function close(isClosed: boolean): void {
  find("chat-page", HTMLElement)?.toggleAttribute("data-sidebar-closed", isClosed);
  find('[data-command="toggle-sidebar"]', HTMLElement)?.setAttribute("aria-expanded", String(!isClosed));
}

function toggleSidebar(): void {
  const isClosed = !find("chat-page", HTMLElement)?.hasAttribute("data-sidebar-closed");
  close(isClosed);
  preferences.set(REMEMBERED, isClosed ? "closed" : "");
}

function toggleTheme(): void {
  const isDark = getComputedStyle(document.documentElement).colorScheme === "dark" || isDarkBySystem();
  const choice = find(`theme-control input[value="${isDark ? "light" : "dark"}"]`, HTMLInputElement);
  choice?.click();
  announce(isDark ? "Light colours." : "Dark colours.");
}

function isDarkBySystem(): boolean {
  return document.documentElement.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Opens the conversation below or above the open one. */
function step(by: 1 | -1): void {
  const links = find("conversation-list", ConversationList)?.links ?? [];
  const at = links.findIndex((link) => link.hasAttribute("aria-current"));
  links[at < 0 ? 0 : at + by]?.click();
}

// The model may write a title after a conversation's first answer: the list is asked a few times until it has one.
import { ConversationList, type Conversation } from "../elements/conversation-list";
import { find, part } from "../lib/dom";
import { api } from "../lib/http";

const PAUSES_MS = [1000, 3000, 8000, 20_000];

/** Shows the title of a new conversation when it is there. */
export function learnTitles(): void {
  const asked = new Set<string>();
  find("chat-page", HTMLElement)?.addEventListener("chat-answered", (event) => {
    const list = find("conversation-list", ConversationList);
    const id = (event as CustomEvent<string>).detail;
    if (list?.dataset.titles !== "true" || !id || asked.has(id) || document.querySelectorAll("message-item").length > 2) return;
    asked.add(id);
    void learn(list, id);
  });
}

async function learn(list: ConversationList, id: string): Promise<void> {
  for (const pause of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const item = list.item(id);
    if (!item || item.hidden) return;
    const page = await api<{ conversations: Conversation[] }>("GET", "/api/conversations").catch(() => null);
    const now = page?.conversations.find((each) => each.id === id);
    if (!now || now.title === part(item, "title").textContent) continue;
    list.put(now);
    if (find('a[aria-current="page"]', HTMLElement, item)) list.dispatchEvent(new CustomEvent("chat-renamed", { bubbles: true, detail: now.title }));
    return;
  }
}

// The model may write a title after a conversation's first answer: the list is asked a few times until it has one.
import { ConversationList, type Conversation } from "../elements/conversation-list";
import { find, part } from "../lib/dom";
import { api } from "../lib/http";
import { news } from "../lib/news";

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
    const now = await api<Conversation>("GET", `/api/conversations/${id}?limit=1`).catch(() => null);
    if (!now || now.title === part(item, "title").textContent) continue;
    list.put(now);
    news?.postMessage(now);
    return;
  }
}

// The chat page. The order counts: what a page part looks up must be alive before it.
import { copyButtons } from "./behaviours/copy";
import { closeButtons } from "./behaviours/dialogs";
import { drawer } from "./behaviours/drawer";
import { hotkeys } from "./behaviours/hotkeys";
import { forgetDraftsOnSignOut } from "./behaviours/sign-out";
import { ChatComposer } from "./elements/chat-composer";
import { ChatPage } from "./elements/chat-page";
import { ConversationList } from "./elements/conversation-list";
import { MessageBody } from "./elements/message-body";
import { MessageItem } from "./elements/message-item";
import { MessageList } from "./elements/message-list";
import { ModelPicker } from "./elements/model-picker";
import { ThemeControl } from "./elements/theme-control";

customElements.define("theme-control", ThemeControl);
customElements.define("message-body", MessageBody);
customElements.define("message-item", MessageItem);
customElements.define("message-list", MessageList);
customElements.define("conversation-list", ConversationList);
customElements.define("model-picker", ModelPicker);
customElements.define("chat-composer", ChatComposer);
customElements.define("chat-page", ChatPage);
hotkeys();
copyButtons();
closeButtons();
drawer();
forgetDraftsOnSignOut();

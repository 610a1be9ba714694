// A page for the tests; import it before anything that needs one.
import { JSDOM } from "jsdom";

const TEMPLATES = `
  <template id="code-block"><figure class="code"><figcaption><span data-part="language"></span><button type="button">Copy</button></figcaption></figure></template>
  <template id="table-block"><div class="table-scroll" tabindex="0"></div></template>
  <div id="announcer"></div>`;

const { window } = new JSDOM(`<!doctype html><body>${TEMPLATES}</body>`, { url: "http://localhost/chat" });
const names = [
  "window", "document", "customElements", "CustomEvent", "Document", "DocumentFragment", "Element", "HTMLElement", "HTMLTemplateElement",
  "HTMLTextAreaElement", "HTMLButtonElement", "HTMLFormElement", "HTMLInputElement", "HTMLSelectElement", "Node", "Text", "sessionStorage",
  "localStorage",
] as const;
for (const name of names) Object.defineProperty(globalThis, name, { value: window[name as keyof typeof window], configurable: true, writable: true });

// A page for the tests; import it before anything that needs one.
import { JSDOM } from "jsdom";

const TEMPLATES = `
  <template id="code-block"><figure class="code"><figcaption><span data-part="language"></span><button type="button">Copy</button></figcaption></figure></template>
  <template id="table-block"><div class="table-scroll" tabindex="0"></div></template>
  <template id="task-open"><input type="checkbox" disabled></template>
  <template id="task-done"><input type="checkbox" disabled checked></template>
  <div id="announcer"></div>`;

const { window } = new JSDOM(`<!doctype html><body>${TEMPLATES}</body>`, { url: "http://localhost/chat" });
const names = [
  "window", "document", "customElements", "CustomEvent", "Document", "DocumentFragment", "Element", "HTMLElement", "HTMLTemplateElement",
  "HTMLTextAreaElement", "HTMLButtonElement", "HTMLFormElement", "HTMLInputElement", "HTMLSelectElement", "Node", "Text", "sessionStorage",
  "localStorage",
] as const;
for (const name of names) Object.defineProperty(globalThis, name, { value: window[name as keyof typeof window], configurable: true, writable: true });

// Nothing is fetched here: a stylesheet is there as soon as the page asks for it.
new window.MutationObserver((records) => {
  for (const { addedNodes } of records) for (const node of addedNodes) node.dispatchEvent(new window.Event("load"));
}).observe(window.document.head, { childList: true });

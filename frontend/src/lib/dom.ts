// Typed access to the page. Markup is never written here: new pieces are clones of the <template>s that the server rendered.

type Kind<T extends Element> = new () => T;

/** The first match of that class, or null. */
export function find<T extends Element>(selector: string, kind: Kind<T>, root: ParentNode = document): T | null {
  const element = root.querySelector(selector);
  return element instanceof kind ? element : null;
}

/** The first match of that class; throws when the page does not have it. */
export function need<T extends Element>(selector: string, kind: Kind<T>, root: ParentNode = document): T {
  const element = find(selector, kind, root);
  if (!element) throw new Error(`The page has no ${kind.name} at ${selector}`);
  return element;
}

/** The element marked data-part="name" below root; throws when there is none. */
export function part(root: ParentNode, name: string): HTMLElement {
  return need(`[data-part="${name}"]`, HTMLElement, root);
}

/** A copy of the one element inside <template id>, of the document so that custom elements come alive. */
export function fromTemplate<T extends Element>(id: string, kind: Kind<T>): T {
  const template = need(`template#${id}`, HTMLTemplateElement);
  const copy = document.importNode(template.content, true).firstElementChild;
  if (!(copy instanceof kind)) throw new Error(`template#${id} does not hold a ${kind.name}`);
  return copy;
}

/** Calls the handler for every such event at or inside an element that matches the selector, now or later. */
export function delegate(type: string, selector: string, handle: (target: HTMLElement, event: Event) => void): void {
  document.addEventListener(type, (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target instanceof HTMLElement) handle(target, event);
  });
}

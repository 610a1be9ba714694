// Makes old nodes equal to new ones and keeps every node that did not change, so that a selection, a focused button or
// a scrolled code block survives while the text below the reader's finger grows.

/** Makes the last children of parent, `old`, equal to `fresh`; gives the nodes that stand there now. */
export function patchNodes(parent: Node, old: ChildNode[], fresh: ChildNode[]): ChildNode[] {
  const standing = fresh.map((node, i) => {
    const there = old[i];
    if (there && patchNode(there, node)) return there;
    if (there) there.replaceWith(node);
    else parent.appendChild(node);
    return node;
  });
  for (const node of old.slice(fresh.length)) node.remove();
  return standing;
}

/** Makes one node equal to another of its kind; false when it is of another kind. */
function patchNode(there: ChildNode, fresh: ChildNode): boolean {
  if (there instanceof Text && fresh instanceof Text) {
    if (fresh.data.startsWith(there.data)) there.appendData(fresh.data.slice(there.data.length));
    else there.data = fresh.data;
    return true;
  }
  if (!(there instanceof Element && fresh instanceof Element)) return false;
  if (there.hasAttribute("data-drawn-from")) return isDrawnFrom(there, fresh);
  if (!isSameKind(there, fresh)) return false;
  if (there.hasAttribute("data-coloured")) {
    if (there.textContent === fresh.textContent) return true;
    there.removeAttribute("data-coloured");
  }
  patchNodes(there, [...there.childNodes], [...fresh.childNodes]);
  return true;
}

/** What was drawn stays as long as its source is the same. */
function isDrawnFrom(there: Element, fresh: Element): boolean {
  const source = (fresh.querySelector("pre > code") ?? fresh).textContent;
  return there.nodeName === fresh.nodeName && there.className === fresh.className && there.getAttribute("data-drawn-from") === source;
}

function isSameKind(there: Element, fresh: Element): boolean {
  const names = fresh.getAttributeNames();
  return (
    there.nodeName === fresh.nodeName &&
    names.every((name) => there.getAttribute(name) === fresh.getAttribute(name)) &&
    there.getAttributeNames().every((name) => name === "data-coloured" || fresh.hasAttribute(name))
  );
}

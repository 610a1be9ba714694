// The page that draws diagrams, alone in a sandboxed frame of opaque origin, see app/chat/diagram_routes.py. It knows
// nothing but what it is sent: {id, source, isDark} comes in, {id, svg, kind} or {id, error} goes out.
import mermaid from "mermaid";

interface Order {
  id: number;
  source: string;
  isDark: boolean;
}

addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent) return;
  void draw(data as Order).then((answer) => parent.postMessage(answer, { targetOrigin: origin }));
});
parent.postMessage({ isReady: true }, { targetOrigin: "*" }); // says nothing that anybody may not know

async function draw({ id, source, isDark }: Order): Promise<object> {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    suppressErrorRendering: true,
    theme: isDark ? "dark" : "neutral",
    htmlLabels: false, // text of the image itself: browsers differ in what HTML they show inside an image
    flowchart: { htmlLabels: false },
    fontFamily: "system-ui, sans-serif",
  });
  try {
    const { svg, diagramType } = await mermaid.render(`diagram-${id}`, source);
    return { id, svg: asImage(svg), kind: diagramType };
  } catch (error) {
    return { id, error: String(error) };
  }
}

/** An image needs a size of its own, and must be well-formed. */
function asImage(svg: string): string {
  const root = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  const [, , width, height] = (root?.getAttribute("viewBox") ?? "").split(/[\s,]+/).map(Number);
  if (!root || !width || !height) throw new Error("No diagram");
  root.setAttribute("width", String(Math.ceil(width)));
  root.setAttribute("height", String(Math.ceil(height)));
  return new XMLSerializer().serializeToString(root);
}

// The frame in which diagrams are drawn: made with the first one, and again after one that took too long.
// It is sandboxed, its origin is opaque: what runs there reaches neither this page nor its cookies.

const PATIENCE_MS = 15_000;

export interface Drawing {
  id: number;
  svg: string;
  kind: string;
}

export class DiagramFrame {
  #frame: HTMLIFrameElement | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** Draws one after the other; null when the source is wrong or takes too long. */
  draw(source: string, isDark: boolean): Promise<Drawing | null> {
    const drawing = this.#queue.then(() => this.#drawNow({ id: ++this.#count, source, isDark }));
    this.#queue = drawing;
    return drawing;
  }

  async #drawNow(order: { id: number; source: string; isDark: boolean }): Promise<Drawing | null> {
    const isReady = this.#frame !== null || (await this.#open());
    const answer = isReady ? this.#next<Partial<Drawing>>((data) => data.id === order.id) : null;
    this.#frame?.contentWindow?.postMessage(order, "*"); // an opaque origin has no name; the source is no secret from its own frame
    const drawing = await answer;
    if (!drawing) this.#close();
    return typeof drawing?.svg === "string" ? { id: order.id, svg: drawing.svg, kind: String(drawing.kind) } : null;
  }

  async #open(): Promise<boolean> {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.setAttribute("aria-hidden", "true");
    Object.assign(frame, { src: "/diagram", className: "diagram-frame", title: "Diagrams", tabIndex: -1 });
    this.#frame = frame;
    document.body.append(frame);
    return (await this.#next<{ isReady?: boolean }>((data) => data.isReady === true)) !== null;
  }

  #close(): void {
    this.#frame?.remove();
    this.#frame = null;
  }

  /** The next word of the frame that is wanted; null when it does not come in time. */
  #next<T>(isWanted: (data: T) => boolean): Promise<T | null> {
    return new Promise((resolve) => {
      const end = (data: T | null) => {
        removeEventListener("message", hear);
        clearTimeout(timer);
        resolve(data);
      };
      const hear = ({ source, data }: MessageEvent) => {
        if (source === this.#frame?.contentWindow && typeof data === "object" && data && isWanted(data as T)) end(data as T);
      };
      const timer = setTimeout(() => end(null), PATIENCE_MS);
      addEventListener("message", hear);
    });
  }
}

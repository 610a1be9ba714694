// Server-sent events as text/event-stream defines them, pure: text in, events out, wherever the text was cut.

export interface ServerEvent {
  type: string;
  data: string;
  /** The last id the stream gave, as EventSource would report it. */
  id: string;
}

export class EventParser {
  #rest = "";
  #data: string[] = [];
  #type = "";
  #id = "";
  #skipLineFeed = false;
  #fresh = true;

  /** Takes the next piece of text, gives the events that it completed. */
  push(text: string): ServerEvent[] {
    if (this.#fresh && text) {
      this.#fresh = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    if (this.#skipLineFeed && text) {
      this.#skipLineFeed = false;
      if (text.startsWith("\n")) text = text.slice(1);
    }
    this.#skipLineFeed = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => this.#line(line)).filter((event) => event !== null);
  }

  #line(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment: the heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { type: this.#type || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#data = [];
    this.#type = "";
    return empty ? null : event;
  }
}

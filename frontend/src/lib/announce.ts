// Tells screen readers, politely, in whole blocks. The region is a log: what is added is read, what is there stays silent.

const KEPT = 12;

/** Adds one piece to the page's live region. */
export function announce(text: string): void {
  const region = document.getElementById("announcer");
  const words = text.trim();
  if (!region || !words) return;
  const line = document.createElement("p");
  line.textContent = words;
  region.append(line);
  while (region.childElementCount > KEPT) region.firstElementChild?.remove();
}

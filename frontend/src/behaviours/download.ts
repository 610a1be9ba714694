// Download buttons save the code block around them, named after its language.
import { delegate } from "../lib/dom";

const ENDINGS: Record<string, string> = {
  bash: "sh", "c++": "cpp", csharp: "cs", dockerfile: "Dockerfile", golang: "go", javascript: "js", kotlin: "kt", latex: "tex",
  markdown: "md", mermaid: "mmd", perl: "pl", powershell: "ps1", python: "py", ruby: "rb", rust: "rs", shell: "sh", typescript: "ts",
};

/** Makes every download button work, now and later. */
export function downloadButtons(): void {
  delegate("click", "button[data-downloads]", (button) => download(button.closest("figure")));
}

function download(block: HTMLElement | null): void {
  const code = block?.querySelector("code")?.textContent ?? "";
  const language = block?.querySelector('[data-part="language"]')?.textContent ?? "";
  const address = URL.createObjectURL(new Blob([code], { type: "text/plain" }));
  Object.assign(document.createElement("a"), { href: address, download: fileName(language) }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // some browsers read it after the click
}

function fileName(language: string): string {
  const ending = ENDINGS[language] ?? (/^[a-z\d]{1,8}$/.test(language) && language !== "text" ? language : "txt");
  return ending === "Dockerfile" ? ending : `code.${ending}`;
}

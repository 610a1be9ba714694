// <theme-control>: system, light or dark. The server reads the cookie, so that a page never flashes in the wrong colours.

const YEAR_SECONDS = 31_536_000;

export class ThemeControl extends HTMLElement {
  connectedCallback(): void {
    const current = document.documentElement.dataset.theme || "system";
    for (const choice of this.querySelectorAll<HTMLInputElement>("input")) {
      choice.checked = choice.value === current;
      choice.addEventListener("change", () => this.#set(choice.value));
    }
  }

  #set(theme: string): void {
    document.documentElement.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
  }
}

// What this browser remembers. Storage can be switched off or full: then nothing is remembered, and nothing breaks.

class Shelf {
  constructor(private readonly storage: () => Storage) {}

  get(key: string): string | null {
    try {
      return this.storage().getItem(key);
    } catch {
      return null;
    }
  }

  /** Remembers the value; an empty one is forgotten. */
  set(key: string, value: string): void {
    try {
      if (value) this.storage().setItem(key, value);
      else this.storage().removeItem(key);
    } catch {
      // Private mode or a full disk: the page works without memory.
    }
  }

  /** Forgets everything. */
  clear(): void {
    try {
      this.storage().clear();
    } catch {
      // Nothing was remembered.
    }
  }
}

/** Preferences: they outlive the tab. */
export const preferences = new Shelf(() => localStorage);

/** Unsent words: they live as long as the tab, so that they don't lie around on a shared computer. */
export const drafts = new Shelf(() => sessionStorage);

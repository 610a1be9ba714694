// After a sign-in by password the browser may make a passkey by itself, without asking. It is tried once, and nothing waits for it.
import { announce } from "../lib/announce";
import { ApiError } from "../lib/http";
import { make, obstacleAt } from "../lib/passkeys";

const PATIENCE_MS = 2500; // where it can't be done, some browsers never answer
const DONE = "Your password manager now has a passkey for this chat. Next time, sign in with it.";

/** Tries it; where it works, the offer on the page turns into the news. */
export async function upgradeSilently(offer: HTMLElement): Promise<void> {
  if (obstacleAt(offer.dataset)) return;
  const capabilities = await PublicKeyCredential.getClientCapabilities?.();
  if (!capabilities?.conditionalCreate) return;
  try {
    await make("add", { silent: true }, { silent: true }, AbortSignal.timeout(PATIENCE_MS));
  } catch (error) {
    if (error instanceof ApiError || error instanceof DOMException) return; // the offer stays
    throw error;
  }
  offer.querySelector("form")?.remove();
  const words = offer.querySelector("p");
  if (words) words.textContent = DONE;
  announce(DONE);
}

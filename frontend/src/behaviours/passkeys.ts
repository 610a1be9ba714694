// Buttons with data-passkey hold a ceremony; the page brings them out where passkeys can work, and says why where they can't.
import { delegate, find } from "../lib/dom";
import { ApiError } from "../lib/http";
import { failureOf, make, obstacleAt, prove, startAlone, tellAccepted } from "../lib/passkeys";

const FRESH_MS = 100_000; // a challenge lives for two minutes
const LOOK_MS = 5_000;

/** Makes every place for passkeys on the page work. */
export function passkeys(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-passkey-place]")) prepare(place);
  delegate("click", "button[data-passkey]", (button) => {
    if (!button.closest("form[data-passkey-form]")) void hold(button);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.passkeyForm) return;
    event.preventDefault();
    const button = find("button[data-passkey]", HTMLButtonElement, form);
    if (button && !button.hidden) void hold(button);
  });
}

function prepare(place: HTMLElement): void {
  const obstacle = obstacleAt(place.dataset);
  const note = find('[data-part="passkey-note"]', HTMLElement, place);
  if (note) {
    note.textContent = obstacle;
    note.hidden = !obstacle;
    if (place.dataset.origin !== location.origin && !place.dataset.obstacle) note.append(" ", linkTo(place.dataset.origin ?? ""));
  }
  if (obstacle) return;
  for (const button of place.querySelectorAll<HTMLElement>("button[data-passkey]")) button.hidden = false;
  if (place.dataset.acceptedIds !== undefined) void tellAccepted(place.dataset);
  if (place.dataset.autofill) void keepOffering(place);
}

function linkTo(origin: string): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = origin + location.pathname + location.search;
  link.textContent = "Open it there";
  return link;
}

/** Holds the ceremony of a button and leads on. */
async function hold(button: HTMLElement): Promise<void> {
  const place = button.closest<HTMLElement>("[data-passkey-place]") ?? document.body;
  say(place, "");
  button.setAttribute("aria-busy", "true");
  try {
    await ceremonyOf(button.dataset.passkey ?? "", place);
  } catch (error) {
    if (isUnproven(error)) return confirmFirst();
    say(place, failureOf(error) ?? "");
    if (place.dataset.autofill) void offer(place);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function ceremonyOf(ceremony: string, place: HTMLElement): Promise<void> {
  if (ceremony === "sign-in") leadTo((await prove("sign-in", () => remember(place))).next);
  if (ceremony === "confirm") leadTo((await prove("confirm")).next);
  if (ceremony === "sign-up") leadTo((await make("sign-up", { email: find('input[type="email"]', HTMLInputElement, place)?.value ?? "" }, remember(place))).next);
  if (ceremony !== "add") return;
  await make("add", {});
  leadTo(place.dataset.next);
}

function remember(place: HTMLElement): { remember: boolean } {
  return { remember: find(`#${place.dataset.remember ?? "remember"}`, HTMLInputElement)?.checked ?? false };
}

function isUnproven(error: unknown): boolean {
  return error instanceof ApiError && error.code === "proof_needed";
}

function confirmFirst(): void {
  location.assign(`/auth/confirm?next=${encodeURIComponent(location.pathname)}`);
}

function leadTo(path = "/"): void {
  const isHere = new URL(path, location.href).pathname === location.pathname;
  location.assign(path);
  if (isHere) location.reload();
}

function say(place: HTMLElement, sentence: string): void {
  const line = find('[data-part="passkey-error"]', HTMLElement, place);
  const words = line && find('[data-part="passkey-error-text"]', HTMLElement, line);
  if (!words) return;
  words.textContent = sentence;
  line.hidden = !sentence;
}

let offeredAt = 0; // 0: the field offers nothing now

/** Lets the e-mail field offer passkeys, with a challenge that is never too old. */
async function keepOffering(place: HTMLElement): Promise<void> {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const renew = (): void => {
    if (offeredAt && !document.hidden && Date.now() - offeredAt > FRESH_MS) void offer(place);
  };
  setInterval(renew, LOOK_MS);
  document.addEventListener("visibilitychange", renew);
  addEventListener("pagehide", () => startAlone());
  await offer(place);
}

async function offer(place: HTMLElement): Promise<void> {
  const begun = Date.now();
  offeredAt = begun;
  try {
    leadTo((await prove("sign-in", () => remember(place), "conditional")).next);
  } catch (error) {
    if (offeredAt === begun) offeredAt = 0;
    const sentence = failureOf(error);
    if (!(error instanceof ApiError) || !sentence) return;
    say(place, error.status === 403 ? sentence : "");
  }
}

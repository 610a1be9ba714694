// Passkey ceremonies: options from the server, an answer from the authenticator, and the answer to the server. One at a time.
import { ApiError, api } from "./http";

export type Ceremony = "sign-up" | "sign-in" | "confirm" | "add";

interface Done {
  next?: string;
}

const TOO_OLD = "This browser does not know passkeys yet. A newer one does, and so does your phone.";
const FAILURES: Record<string, string> = {
  NotAllowedError: "Nothing was confirmed: it was cancelled, or it took too long.",
  InvalidStateError: "This device already has a passkey for your account. You can sign in with it.",
  SecurityError: "The browser refuses passkeys at this address.",
  NotSupportedError: "This device can't make the kind of passkey that is needed here.",
  ConstraintError: "This device can't check that it is you. Set up a screen lock or a PIN first.",
};

let running: AbortController | null = null;

/** Ends what is running, so that the next ceremony is the only one: browsers refuse a second one. */
export function startAlone(): AbortController {
  running?.abort();
  running = new AbortController();
  return running;
}

/** Why passkeys can't work on this page, in a sentence; "" where they can. The server says what it knows on the place itself. */
export function obstacleAt({ obstacle, origin }: DOMStringMap): string {
  if (obstacle) return obstacle;
  if (origin && origin !== location.origin) return `Passkeys work here only at ${origin}.`;
  const isKnown = "PublicKeyCredential" in window && "parseCreationOptionsFromJSON" in PublicKeyCredential;
  return isKnown ? "" : TOO_OLD;
}

/** Signs in, or proves once more who is there. `mediation` "conditional" waits until the person picks a passkey in a field. */
export async function prove(
  ceremony: "sign-in" | "confirm",
  rest: () => object = () => ({}),
  mediation: CredentialMediationRequirement = "optional",
): Promise<Done> {
  const { signal } = startAlone();
  const options = await api<PublicKeyCredentialRequestOptionsJSON>("POST", `/auth/passkeys/${ceremony}/options`, {}, { signal });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = (await navigator.credentials.get({ publicKey, mediation, signal })) as PublicKeyCredential;
  return finish(ceremony, credential, rest(), options.rpId ?? "");
}

interface Making {
  /** The browser does it by itself, or lets it be. */
  silent?: boolean;
  /** The new account stays signed in in this browser. */
  remember?: boolean;
}

/** Makes a new passkey. */
export async function make(ceremony: "sign-up" | "add", asked: object, how: Making = {}, patience?: AbortSignal): Promise<Done> {
  const { signal } = startAlone();
  const either = patience ? AbortSignal.any([signal, patience]) : signal;
  const path = `/auth/passkeys/${ceremony}/options`;
  const options = await api<PublicKeyCredentialCreationOptionsJSON>("POST", path, asked, { signal: either });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const request = { publicKey, signal: either, ...(how.silent ? { mediation: "conditional" } : {}) };
  const credential = (await navigator.credentials.create(request)) as PublicKeyCredential;
  return finish(ceremony, credential, how, options.rp.id ?? "");
}

async function finish(ceremony: Ceremony, credential: PublicKeyCredential, rest: object, rpId: string): Promise<Done> {
  try {
    const body = { credential: credential.toJSON(), ...rest };
    return await api<Done>("POST", `/auth/passkeys/${ceremony}${location.search}`, body);
  } catch (error) {
    const isNew = ceremony === "sign-up" || ceremony === "add";
    const isUseless = error instanceof ApiError && error.status > 0 && (isNew || error.body.reason === "unknown_credential");
    if (isUseless) await quietly(PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId: credential.id }));
    throw error;
  }
}

/** Tells the password manager all passkeys that the account has here, and what it is called. Never with a part of them. */
export async function tellAccepted({ rpId = "", userId = "", acceptedIds = "", name = "", displayName = "" }: DOMStringMap): Promise<void> {
  if (!("PublicKeyCredential" in window)) return;
  const allAcceptedCredentialIds = acceptedIds.split(" ").filter(Boolean);
  await quietly(PublicKeyCredential.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds }));
  await quietly(PublicKeyCredential.signalCurrentUserDetails?.({ rpId, userId, name, displayName }));
}

/** A hint to the browser; what it makes of it is its own business. */
async function quietly(hint: Promise<void> | undefined): Promise<void> {
  try {
    await hint;
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
  }
}

/** What went wrong, in a sentence; null where nothing is to be said. Whatever is a fault of ours is thrown again. */
export function failureOf(error: unknown): string | null {
  if (error instanceof ApiError) return error.advice;
  if (!(error instanceof DOMException)) throw error;
  if (error.name === "AbortError") return null;
  return FAILURES[error.name] ?? `The device could not do it: ${error.message}`;
}

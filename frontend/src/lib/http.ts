// The one place that talks to the server: CSRF header, errors as objects, sign-in when the session is over.

interface ErrorBody {
  error?: string;
  code?: string;
  reason?: string;
  conversation_id?: string;
  question_id?: string;
  message_id?: string;
  reply?: string;
}

/** A refusal by the server, or (status 0) no answer from it. The message is one sentence for a person. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    sentence: string,
    readonly retryAfter: number | null = null,
    readonly body: ErrorBody = {},
  ) {
    super(sentence);
  }

  /** The sentence, with the time to wait where there is a limit. */
  get advice(): string {
    return this.status === 429 && this.retryAfter ? `${this.message} Try again in ${this.retryAfter} s.` : this.message;
  }
}

const UNREACHABLE = "The server can't be reached. Check your connection, then try again.";

/** Sends a request; gives the response when it is a success, throws ApiError otherwise. An abort stays an AbortError. */
export async function send(method: string, path: string, json?: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Accept", headers.get("Accept") ?? "application/json");
  if (method !== "GET") headers.set("X-CSRFToken", csrfToken());
  if (json !== undefined) headers.set("Content-Type", "application/json");
  const body = json === undefined ? null : JSON.stringify(json);
  const response = await fetch(path, { ...init, method, headers, body, credentials: "same-origin" }).catch(unreachable);
  if (!response.ok) throw await errorFrom(response);
  return response;
}

/** Sends a request and reads its JSON answer (undefined for 204). */
export async function api<T>(method: string, path: string, json?: unknown, init?: RequestInit): Promise<T> {
  const response = await send(method, path, json, init);
  return (response.status === 204 ? undefined : await response.json().catch(unreachable)) as T;
}

function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

function unreachable(reason: unknown): never {
  if (reason instanceof DOMException && reason.name === "AbortError") throw reason;
  throw new ApiError(0, "offline", UNREACHABLE);
}

function signIn(): void {
  location.assign(`/auth/login?next=${encodeURIComponent(location.pathname)}`);
}

async function errorFrom(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  if (response.status === 401) setTimeout(signIn); // after those who wait for the error have saved what they hold
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ApiError(
    response.status,
    body.code ?? "unknown",
    body.error ?? `The server answered with an error (${response.status}).`,
    Number.isNaN(retryAfter) ? null : retryAfter,
    body,
  );
}

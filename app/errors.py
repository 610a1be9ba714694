"""The exceptions that a person or a client may see; pure, no HTTP library.

AppError                     500  internal_error
├── MalformedRequest         400  malformed
├── NotSignedIn              401  not_signed_in
├── NotAllowed               403  not_allowed
│   ├── ProofNeeded          403  proof_needed
│   ├── PasskeyNeeded        403  passkey_needed
│   └── PasskeyRefused       403  passkey_refused      says the reason
├── NotFound                 404  not_found
│   └── ModelNotFound        404  model_not_found
├── TooSlow                  408  too_slow
├── Conflict                 409  conflict
├── TooLarge                 413  too_large
├── UnsupportedMediaType     415  unsupported_media_type
├── InvalidField             422  invalid_field        names the field
├── TooManyRequests          429  too_many_requests    Retry-After
├── UpstreamError            502  upstream_error
├── Unavailable              503  unavailable          Retry-After
│   └── LLMUnavailable       503  llm_unavailable      Retry-After
└── UpstreamTimeout          504  upstream_timeout

`app.error_pages` turns them into a page or into `{"error", "code"}`.
Raise the narrowest one, with a sentence that a person understands.
"""

from __future__ import annotations


class AppError(Exception):
    """A failure with a status, a slug and one sentence for a person.

    `sentence` replaces the class's default sentence; `retry_after` is in seconds; `details` are further fields of the JSON answer.
    """

    status = 500
    code = "internal_error"
    default_sentence = "Something went wrong on our side."

    def __init__(self, sentence: str | None = None, *, retry_after: int | None = None) -> None:
        self.sentence = sentence or self.default_sentence
        self.retry_after = retry_after
        self.details: dict[str, object] = {}
        super().__init__(self.sentence)


class MalformedRequest(AppError):
    """The request can't be read at all."""

    status = 400
    code = "malformed"
    default_sentence = "The request could not be understood."


class NotSignedIn(AppError):
    """The caller has to sign in first."""

    status = 401
    code = "not_signed_in"
    default_sentence = "Please sign in."


class NotAllowed(AppError):
    """The caller is known and may not do this."""

    status = 403
    code = "not_allowed"
    default_sentence = "You are not allowed to do this."


class ProofNeeded(NotAllowed):
    """The caller is signed in, but has to prove once more who they are."""

    code = "proof_needed"
    default_sentence = "Please confirm first that it is you."


class PasskeyNeeded(NotAllowed):
    """The installation wants the caller to have a passkey before anything else."""

    code = "passkey_needed"
    default_sentence = "Please add a passkey first: this installation asks for one."


class PasskeyRefused(NotAllowed):
    """What an authenticator answered does not prove what it should; `reason` is a slug that names the step that failed."""

    code = "passkey_refused"
    default_sentence = "This passkey was not accepted. Please try again."

    def __init__(self, reason: str, sentence: str | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.details = {"reason": reason}


class NotFound(AppError):
    """The object is absent, or somebody else's: the answer never tells which."""

    status = 404
    code = "not_found"
    default_sentence = "There is nothing here."


class ModelNotFound(NotFound):
    """No provider has this model."""

    code = "model_not_found"
    default_sentence = "This model is not installed."


class TooSlow(AppError):
    """The request did not arrive in time."""

    status = 408
    code = "too_slow"
    default_sentence = "Your request did not arrive in time. Please try again."


class Conflict(AppError):
    """The request contradicts what is there now."""

    status = 409
    code = "conflict"
    default_sentence = "This can't be done now."


class TooLarge(AppError):
    """The request is larger than the application takes."""

    status = 413
    code = "too_large"
    default_sentence = "This is too large."


class UnsupportedMediaType(AppError):
    """The body is not of a type that is taken here."""

    status = 415
    code = "unsupported_media_type"
    default_sentence = "Send JSON, with the header Content-Type: application/json."


class InvalidField(AppError):
    """One field has a value that can't be used; `field` names it."""

    status = 422
    code = "invalid_field"
    default_sentence = "A field has a value that can't be used."

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.details = {"field": field}


class TooManyRequests(AppError):
    """A limit was reached; `retry_after` says when to come back."""

    status = 429
    code = "too_many_requests"
    default_sentence = "Too many requests. Please wait a moment."


class UpstreamError(AppError):
    """The model's server answered with an error, or broke off."""

    status = 502
    code = "upstream_error"
    default_sentence = "The model's server broke off the answer."


class Unavailable(AppError):
    """The application can't do this right now; `retry_after` says when to come back."""

    status = 503
    code = "unavailable"
    default_sentence = "This is not available right now. Please try again in a moment."


class LLMUnavailable(Unavailable):
    """The model's server can't be reached."""

    code = "llm_unavailable"
    default_sentence = "The model's server can't be reached."


class UpstreamTimeout(AppError):
    """The model's server fell silent."""

    status = 504
    code = "upstream_timeout"
    default_sentence = "The model's server stopped answering."

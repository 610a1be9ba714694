"""Settings: read once from the environment, typed, checked; a wrong value is refused with one sentence.

`Settings.from_env()` is the only reader of the environment. The bottom of the house: imports nothing of the application.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import load_dotenv
from limits import parse_many

SERVED_ADDRESS = Path(
    "instance/public_url"
)  # `make run` keeps there where it serves, so that commands print links to it
PLACEHOLDER_KEY = "change-me"
DATABASE = re.compile(r"sqlite:///.|postgres(ql)?(\+psycopg)?://.")
MIN_KEY_LENGTH = 32
ENVIRONMENTS = ("development", "production", "testing")
REGISTRATION = ("open", "invitation", "closed")
REQUIRE_PASSKEY = ("none", "admin", "all")
PROVIDERS = ("ollama", "openai", "embedded", "fake")


class ConfigError(Exception):
    """A setting that can't be used; its text is one sentence for the administrator."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the application. docs/configuration.md describes each one."""

    secret_key: str
    flask_env: str = "development"
    database_url: str = "sqlite:///instance/app.db"
    redis_url: str = field(default="", repr=False)
    public_url: str = "http://localhost:5000"
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: int = 0
    rate_limit: str = "30/minute"
    llm_providers: tuple[str, ...] = ("ollama",)
    ollama_host: str = "http://localhost:11434"  # one or several, separated by commas
    ollama_model: str = "llama3"
    openai_base_url: str = "http://localhost:8080/v1"  # the same
    openai_api_key: str = field(default="", repr=False)
    embedded_model: str = "qwen2.5-coder-0.5b"
    models_dir: Path = Path("instance/models")
    context_length: int = 4096
    system_prompt: str = ""
    auto_title: bool = True
    connect_timeout_seconds: float = 5.0
    first_token_timeout_seconds: float = 600.0
    token_timeout_seconds: float = 60.0
    max_streams_per_user: int = 4
    max_answers: int | None = None
    stream_direct: bool = True
    drain_seconds: float = 30.0

    mail_url: str = field(default="", repr=False)
    mail_from: str = ""
    registration: str = "open"
    require_passkey: str = "none"
    session_days: float = 30.0
    session_idle_days: float = 30.0

    bind: str = "127.0.0.1:5000"
    web_concurrency: int = 1

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `.env` (the environment wins over it), then the environment; raises ConfigError.

        Where neither has a PUBLIC_URL, the address that `make run` served last is read.
        """
        if environ is None:
            load_dotenv(".env")
            environ = {**os.environ, "PUBLIC_URL": os.environ.get("PUBLIC_URL", "").strip() or _served_address()}
        settings = cls(**_read(_Reader(environ)))
        settings.check_passkeys()
        return settings

    @property
    def is_production(self) -> bool:
        """Whether weak secrets are refused."""
        return self.flask_env == "production"

    @property
    def public_host(self) -> str:
        """The host name of PUBLIC_URL, without the port."""
        return urlsplit(self.public_url).hostname or "localhost"

    @property
    def is_public_url_local(self) -> bool:
        """Whether PUBLIC_URL leads everybody back to the own machine: then it is of no use on a phone."""
        if self.public_host == "localhost" or self.public_host.endswith(".localhost"):
            return True
        return _is_ip_address(self.public_host) and ipaddress.ip_address(self.public_host).is_loopback

    @property
    def public_origin(self) -> str:
        """PUBLIC_URL as browsers write an origin: scheme, host, and the port where it is not the usual one."""
        parts = urlsplit(self.public_url)
        host = f"[{parts.hostname}]" if ":" in self.public_host else self.public_host
        usual = {"http": 80, "https": 443}[parts.scheme]
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")

    @property
    def passkey_obstacle(self) -> str | None:
        """Why browsers refuse passkeys at PUBLIC_URL and what works instead, or None where they take them.

        WebAuthn Level 3, 5.1.3: the host must be a name, never an address; and the page a secure context, which plain http is on
        this very machine alone (W3C Secure Contexts, 3.1).
        """
        if _is_ip_address(self.public_host):
            instead = self.public_url.replace("127.0.0.1", "localhost").replace("[::1]", "localhost")
            advice = instead if instead != self.public_url else "an https address with a name"
            return f"Passkeys need a name, and {self.public_host} is a bare IP address. What works: {advice}."
        if not self.public_url.startswith("https://") and not self.is_public_url_local:
            return (
                f"Passkeys need https, and {self.public_origin} is plain http. What works: https://{self.public_host}."
            )
        return None

    @property
    def ollama_hosts(self) -> tuple[str, ...]:
        """OLLAMA_HOST, one by one."""
        return tuple(self.ollama_host.split(","))

    @property
    def openai_base_urls(self) -> tuple[str, ...]:
        """OPENAI_BASE_URL, one by one."""
        return tuple(self.openai_base_url.split(","))

    @property
    def sqlalchemy_url(self) -> str:
        """DATABASE_URL for SQLAlchemy: SQLite paths absolute from the current directory, PostgreSQL by psycopg 3."""
        scheme, _, rest = self.database_url.partition("://")
        if scheme == "sqlite" and rest.startswith("/") and not rest.startswith("//") and rest != "/:memory:":
            return f"sqlite:///{Path(rest[1:]).absolute()}"
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+psycopg://{rest}"
        return self.database_url

    @property
    def key_weakness(self) -> str | None:
        """Why the secret key must not be used in production, or None."""
        if self.secret_key.startswith(PLACEHOLDER_KEY):
            return "SECRET_KEY is still the placeholder of .env.example"
        if len(self.secret_key) < MIN_KEY_LENGTH:
            return f"SECRET_KEY has fewer than {MIN_KEY_LENGTH} characters"
        return None

    def check_production(self) -> None:
        """Raise ConfigError where production must not start."""
        if self.is_production and self.key_weakness:
            raise ConfigError(f"{self.key_weakness}: {HOW_TO_MAKE_A_KEY}")

    def check_passkeys(self) -> None:
        """Raise ConfigError where passkeys are required but can't work: nobody could do anything."""
        if self.require_passkey != "none" and self.passkey_obstacle:
            raise ConfigError(
                f"REQUIRE_PASSKEY={self.require_passkey} can't work with this PUBLIC_URL. {self.passkey_obstacle}"
            )


HOW_TO_MAKE_A_KEY = (
    'put a random one into .env, for example from: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
)


def _served_address() -> str:
    try:
        return SERVED_ADDRESS.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class _Reader:
    """Typed access to one environment; an empty value counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """NAME, or what the file that NAME_FILE names holds."""
        path = self.environ.get(f"{name}_FILE", "").strip()
        if not path:
            return self.text(name, "")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}_FILE can't be read: {error}") from error

    def listing(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, ",".join(default)).split(",") if part.strip())

    def whole(self, name: str, default: int, least: int = 0) -> int:
        return int(self.number(name, default, least, whole=True))

    def number(self, name: str, default: float, least: float = 0, *, whole: bool = False) -> float:
        raw = self.text(name, str(default))
        try:
            value: float = int(raw) if whole else float(raw)
        except ValueError:
            raise ConfigError(f"{name} must be a {'whole ' if whole else ''}number, not {raw!r}.") from None
        if not least <= value < float("inf"):  # NaN is neither
            raise ConfigError(f"{name} must be at least {least}.")
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        """One of these words, the first by default."""
        value = self.text(name, known[0])
        if value not in known:
            raise ConfigError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
        return value

    def rate_limit(self) -> str:
        """Give RATE_LIMIT, checked: Flask-Limiter would take a wrong one for none."""
        value = self.text("RATE_LIMIT", "30/minute")
        try:
            parse_many(value)
        except ValueError:
            raise ConfigError(f"RATE_LIMIT must be like 30/minute, not {value!r}.") from None
        return value

    def urls(self, name: str, default: str, complete: Callable[[str], str] = str) -> str:
        """Read a comma list of URLs, each once; `complete` adds what may be left out of one."""
        values = self.listing(name, (default,))
        return ",".join(dict.fromkeys(self.url(name, default, complete(value)) for value in values)) or default

    def redis_url(self) -> str:
        """REDIS_URL, where Valkey's own scheme is as good as Redis's; its library is an extra."""
        value = re.sub("^valkey", "redis", self.secret("REDIS_URL"))
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ConfigError("REDIS_URL must be a URL like redis://localhost:6379/0.")
        if value and find_spec("redis") is None:
            raise ConfigError("REDIS_URL needs a library more: pip install 'password-less-chat[redis]'")
        return value

    def mail_url(self) -> str:
        """MAIL_URL: the server that mails are handed to."""
        value = self.secret("MAIL_URL")
        if value and not _is_mail_url(value):
            raise ConfigError("MAIL_URL must be a URL like smtp://name:password@mail.example:587.")
        return value

    def mail_from(self) -> str:
        """MAIL_FROM: an address, or a name with an address in angle brackets."""
        value = self.text("MAIL_FROM", "")
        name, _, host = parseaddr(value)[1].rpartition("@")
        if value and not (name and host and value.isprintable()):
            raise ConfigError(f"MAIL_FROM must be like Chat <chat@example.org>, not {value!r}.")
        return value

    def url(self, name: str, default: str, value: str = "") -> str:
        value = (value or self.text(name, default)).rstrip("/")
        if not _is_http_url(value):
            raise ConfigError(f"{name} must be a URL like {default}, not {value!r}.")
        return value


def _complete_ollama_host(value: str) -> str:
    """Read an address as Ollama itself does: without a scheme it is http, and the port is 11434."""
    if "://" not in value:
        value = f"http://{value}" if ":" in value.rpartition("]")[2] else f"http://{value}:11434"
    return value.replace("//0.0.0.0", "//127.0.0.1")


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its bracket
        return False


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_mail_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _read(env: _Reader) -> dict[str, Any]:
    values = {
        "secret_key": env.secret("SECRET_KEY"),
        "flask_env": env.one_of("FLASK_ENV", ENVIRONMENTS),
        "database_url": env.secret("DATABASE_URL") or "sqlite:///instance/app.db",
        "redis_url": env.redis_url(),
        "rate_limit": env.rate_limit(),
        "trusted_proxies": env.whole("TRUSTED_PROXIES", 0),
        "public_url": env.url("PUBLIC_URL", "http://localhost:5000"),
        "allowed_hosts": env.listing("ALLOWED_HOSTS", ()),
        "bind": env.text("BIND", "127.0.0.1:5000"),
        "web_concurrency": env.whole("WEB_CONCURRENCY", 1, least=1),
    }
    if not values["secret_key"]:
        raise ConfigError(f"SECRET_KEY is not set: {HOW_TO_MAKE_A_KEY}")
    if not DATABASE.match(str(values["database_url"])):
        raise ConfigError("DATABASE_URL must begin with sqlite:/// or postgresql://.")
    return values | _read_identity(env) | _read_models(env)


def _read_identity(env: _Reader) -> dict[str, Any]:
    return {
        "mail_url": env.mail_url(),
        "mail_from": env.mail_from(),
        "registration": env.one_of("REGISTRATION", REGISTRATION),
        "require_passkey": env.one_of("REQUIRE_PASSKEY", REQUIRE_PASSKEY),
        "session_days": env.number("SESSION_DAYS", 30, least=0.01),
        "session_idle_days": env.number("SESSION_IDLE_DAYS", 30, least=0.01),
    }


def _read_models(env: _Reader) -> dict[str, Any]:
    providers = env.listing("LLM_PROVIDERS", ("ollama",))
    if not providers:
        raise ConfigError(f"LLM_PROVIDERS names nobody; known are {', '.join(PROVIDERS)}.")
    unknown = sorted(set(providers) - set(PROVIDERS))
    if unknown:
        raise ConfigError(f"LLM_PROVIDERS names {unknown[0]!r}; known are {', '.join(PROVIDERS)}.")
    return {
        "llm_providers": providers,
        "ollama_host": env.urls("OLLAMA_HOST", "http://localhost:11434", _complete_ollama_host),
        "ollama_model": env.text("OLLAMA_MODEL", "llama3"),
        "openai_base_url": env.urls("OPENAI_BASE_URL", "http://localhost:8080/v1"),
        "openai_api_key": env.secret("OPENAI_API_KEY"),
        "embedded_model": env.text("EMBEDDED_MODEL", "qwen2.5-coder-0.5b"),
        "models_dir": Path(env.text("MODELS_DIR", "instance/models")).absolute(),
        "context_length": env.whole("CONTEXT_LENGTH", 4096, least=512),
        "system_prompt": env.text("SYSTEM_PROMPT", ""),
        "auto_title": env.whole("AUTO_TITLE", 1) != 0,
        "connect_timeout_seconds": env.number("CONNECT_TIMEOUT_SECONDS", 5, least=0.1),
        "first_token_timeout_seconds": env.number("FIRST_TOKEN_TIMEOUT_SECONDS", 600, least=0.1),
        "token_timeout_seconds": env.number("TOKEN_TIMEOUT_SECONDS", 60, least=0.1),
        "max_streams_per_user": env.whole("MAX_STREAMS_PER_USER", 4, least=1),
        "stream_direct": env.whole("STREAM_DIRECT", 1) != 0,
        "drain_seconds": env.number("DRAIN_SECONDS", 30),
        "max_answers": env.whole("MAX_ANSWERS", 0) or None,
    }

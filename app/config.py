"""Settings: read once from the environment, typed, checked; a wrong value is refused with one sentence.

`Settings.from_env()` is the only reader of the environment. The bottom of the house: imports nothing of the application.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import load_dotenv

PLACEHOLDER_KEY = "change-me"
MIN_KEY_LENGTH = 32
PROVIDERS = ("ollama", "openai", "embedded", "fake")


class ConfigError(Exception):
    """A setting that can't be used; its text is one sentence for the administrator."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the application. docs/configuration.md describes each one."""

    secret_key: str
    flask_env: str = "development"
    database_url: str = "sqlite:///instance/app.db"
    public_url: str = "http://localhost:5000"
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: int = 0
    rate_limit: str = "30/minute"
    llm_providers: tuple[str, ...] = ("ollama",)
    ollama_host: str = "http://localhost:11434"
    ollama_model: str = "llama3"
    openai_base_url: str = "http://localhost:8080/v1"
    openai_api_key: str = field(default="", repr=False)
    embedded_model: str = "qwen2.5-coder-0.5b"
    models_dir: Path = Path("instance/models")
    context_length: int = 4096
    system_prompt: str = ""
    connect_timeout_seconds: float = 5.0
    first_token_timeout_seconds: float = 600.0
    token_timeout_seconds: float = 60.0
    max_streams_per_user: int = 4
    max_answers: int | None = None
    stream_direct: bool = True
    drain_seconds: float = 30.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `.env` (the environment wins over it), then the environment; raises ConfigError."""
        if environ is None:
            load_dotenv(".env")
            environ = os.environ
        return cls(**_read(_Reader(environ)))

    @property
    def is_production(self) -> bool:
        """Whether weak secrets are refused."""
        return self.flask_env == "production"

    @property
    def public_host(self) -> str:
        """The host name of PUBLIC_URL, without the port."""
        return urlsplit(self.public_url).hostname or "localhost"

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


HOW_TO_MAKE_A_KEY = (
    'put a random one into .env, for example from: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
)


class _Reader:
    """Typed access to one environment; an empty value counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """NAME, or the first line of the file that NAME_FILE names."""
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
        if value < least:
            raise ConfigError(f"{name} must be at least {least}.")
        return value

    def ollama_host(self) -> str:
        """OLLAMA_HOST as Ollama itself reads it: without a scheme it is http, and the port is 11434."""
        default = "http://localhost:11434"
        value = self.text("OLLAMA_HOST", default)
        if "://" not in value:
            value = f"http://{value}" if ":" in value.rpartition("]")[2] else f"http://{value}:11434"
        return self.url("OLLAMA_HOST", default, value.replace("//0.0.0.0", "//127.0.0.1"))

    def url(self, name: str, default: str, value: str = "") -> str:
        value = (value or self.text(name, default)).rstrip("/")
        if not _is_http_url(value):
            raise ConfigError(f"{name} must be a URL like {default}, not {value!r}.")
        return value


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its bracket
        return False


def _read(env: _Reader) -> dict[str, Any]:
    values = {
        "secret_key": env.secret("SECRET_KEY"),
        "flask_env": env.text("FLASK_ENV", "development"),
        "database_url": env.secret("DATABASE_URL") or "sqlite:///instance/app.db",
        "rate_limit": env.text("RATE_LIMIT", "30/minute"),
        "trusted_proxies": env.whole("TRUSTED_PROXIES", 0),
        "public_url": env.url("PUBLIC_URL", "http://localhost:5000"),
        "allowed_hosts": env.listing("ALLOWED_HOSTS", ()),
    }
    if not values["secret_key"]:
        raise ConfigError(f"SECRET_KEY is not set: {HOW_TO_MAKE_A_KEY}")
    return values | _read_models(env)


def _read_models(env: _Reader) -> dict[str, Any]:
    providers = env.listing("LLM_PROVIDERS", ("ollama",))
    unknown = sorted(set(providers) - set(PROVIDERS))
    if unknown:
        raise ConfigError(f"LLM_PROVIDERS names {unknown[0]!r}; known are {', '.join(PROVIDERS)}.")
    return {
        "llm_providers": providers,
        "ollama_host": env.ollama_host(),
        "ollama_model": env.text("OLLAMA_MODEL", "llama3"),
        "openai_base_url": env.url("OPENAI_BASE_URL", "http://localhost:8080/v1"),
        "openai_api_key": env.secret("OPENAI_API_KEY"),
        "embedded_model": env.text("EMBEDDED_MODEL", "qwen2.5-coder-0.5b"),
        "models_dir": Path(env.text("MODELS_DIR", "instance/models")).absolute(),
        "context_length": env.whole("CONTEXT_LENGTH", 4096, least=512),
        "system_prompt": env.text("SYSTEM_PROMPT", ""),
        "connect_timeout_seconds": env.number("CONNECT_TIMEOUT_SECONDS", 5, least=0.1),
        "first_token_timeout_seconds": env.number("FIRST_TOKEN_TIMEOUT_SECONDS", 600, least=0.1),
        "token_timeout_seconds": env.number("TOKEN_TIMEOUT_SECONDS", 60, least=0.1),
        "max_streams_per_user": env.whole("MAX_STREAMS_PER_USER", 4, least=1),
        "stream_direct": env.whole("STREAM_DIRECT", 1) != 0,
        "drain_seconds": env.number("DRAIN_SECONDS", 30),
        "max_answers": env.whole("MAX_ANSWERS", 0) or None,
    }

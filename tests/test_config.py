"""Settings: typed, checked, and refused with one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.config import ConfigError, Settings
from app.extensions import db

ROOT = Path(__file__).parent.parent
KEY = "k" * 40
NAMES = [name.upper() for name in Settings.__dataclass_fields__]


def read(**environ: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": KEY, **environ})


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to start in, without any setting in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {name: value for name, value in os.environ.items() if name not in NAMES})
    return tmp_path


def test_the_defaults_are_those_of_the_readme() -> None:
    settings = read()

    assert settings.flask_env == "development"
    assert settings.database_url == "sqlite:///instance/app.db"
    assert settings.ollama_host == "http://localhost:11434"
    assert settings.ollama_model == "llama3"
    assert settings.rate_limit == "30/minute"
    assert settings.llm_providers == ("ollama",)
    assert settings.public_url == "http://localhost:5000"
    assert settings.trusted_proxies == 0
    assert settings.max_streams_per_user == 4


def test_an_empty_value_is_no_value() -> None:
    given = {name: "" for name in NAMES if name != "SECRET_KEY"}

    assert read(**given) == read()
    assert read(**dict.fromkeys(given, "  ")) == read()


@pytest.mark.parametrize(
    ("environ", "name", "value"),
    [
        ({"LLM_PROVIDERS": " openai , fake,"}, "llm_providers", ("openai", "fake")),
        ({"ALLOWED_HOSTS": "box.lan, 192.168.1.5"}, "allowed_hosts", ("box.lan", "192.168.1.5")),
        ({"TRUSTED_PROXIES": " 2 "}, "trusted_proxies", 2),
        ({"PUBLIC_URL": "https://chat.example.org/"}, "public_url", "https://chat.example.org"),
        ({"PUBLIC_URL": "http://[::1]:5000"}, "public_host", "::1"),
        ({"TOKEN_TIMEOUT_SECONDS": "2.5"}, "token_timeout_seconds", 2.5),
        ({"FLASK_ENV": "production"}, "is_production", True),
        ({}, "is_production", False),
    ],
)
def test_a_value_is_read(environ: dict[str, str], name: str, value: object) -> None:
    assert getattr(read(**environ), name) == value


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", ("http://localhost:11434",)),
        ("gpu", ("http://gpu:11434",)),
        ("0.0.0.0", ("http://127.0.0.1:11434",)),
        ("[::1]", ("http://[::1]:11434",)),
        ("https://gpu.example.org/", ("https://gpu.example.org",)),
        ("gpu1, gpu2:8000,http://gpu3:11434/", ("http://gpu1:11434", "http://gpu2:8000", "http://gpu3:11434")),
        ("gpu1,,gpu1", ("http://gpu1:11434",)),
        (",", ("http://localhost:11434",)),
    ],
)
def test_ollama_hosts_are_read_as_ollama_does(given: str, taken: tuple[str, ...]) -> None:
    assert read(OLLAMA_HOST=given).ollama_hosts == taken


def test_openai_compatible_servers_too() -> None:
    settings = read(OPENAI_BASE_URL="http://a:8080/v1/, https://b/v1")
    assert settings.openai_base_urls == ("http://a:8080/v1", "https://b/v1")


WRONG = [
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"SECRET_KEY": "   "}, "SECRET_KEY is not set"),
    ({"SECRET_KEY_FILE": "/nothing/here"}, "SECRET_KEY_FILE can't be read"),
    ({"SECRET_KEY_FILE": "/"}, "SECRET_KEY_FILE can't be read"),
    ({"DATABASE_URL_FILE": "/nothing/here"}, "DATABASE_URL_FILE can't be read"),
    ({"TRUSTED_PROXIES": "one"}, "TRUSTED_PROXIES must be a whole number, not 'one'."),
    ({"TRUSTED_PROXIES": "1.5"}, "TRUSTED_PROXIES must be a whole number, not '1.5'."),
    ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES must be at least 0."),
    ({"MAX_STREAMS_PER_USER": "0"}, "MAX_STREAMS_PER_USER must be at least 1."),
    ({"CONTEXT_LENGTH": "12"}, "CONTEXT_LENGTH must be at least 512."),
    ({"FLASK_ENV": "prod"}, "FLASK_ENV must be one of development, production, testing, not 'prod'."),
    ({"FLASK_ENV": "Production"}, "FLASK_ENV must be one of development, production, testing, not 'Production'."),
    ({"DATABASE_URL": "app.db"}, "DATABASE_URL must begin with sqlite:/// or postgresql://."),
    ({"DATABASE_URL": "mysql://localhost/chat"}, "DATABASE_URL must begin with sqlite:/// or postgresql://."),
    ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL must begin with sqlite:/// or postgresql://."),
    ({"RATE_LIMIT": "lots"}, "RATE_LIMIT must be like 30/minute, not 'lots'."),
    ({"WEB_CONCURRENCY": "all"}, "WEB_CONCURRENCY must be a whole number, not 'all'."),
    ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY must be at least 1."),
    ({"TOKEN_TIMEOUT_SECONDS": "nan"}, "TOKEN_TIMEOUT_SECONDS must be at least 0.1."),
    ({"TOKEN_TIMEOUT_SECONDS": "inf"}, "TOKEN_TIMEOUT_SECONDS must be at least 0.1."),
    ({"LLM_PROVIDERS": " , "}, "LLM_PROVIDERS names nobody; known are ollama, openai, embedded, fake."),
    ({"TOKEN_TIMEOUT_SECONDS": "soon"}, "TOKEN_TIMEOUT_SECONDS must be a number, not 'soon'."),
    ({"LLM_PROVIDERS": "ollama,gpt"}, "LLM_PROVIDERS names 'gpt'; known are ollama, openai, embedded, fake."),
    ({"PUBLIC_URL": "chat.example.org"}, "PUBLIC_URL must be a URL like http://localhost:5000"),
    ({"PUBLIC_URL": "ftp://chat.example.org"}, "PUBLIC_URL must be a URL like http://localhost:5000"),
    ({"PUBLIC_URL": "https://"}, "PUBLIC_URL must be a URL like http://localhost:5000"),
    ({"PUBLIC_URL": "http://[::1"}, "PUBLIC_URL must be a URL like http://localhost:5000"),
    ({"PUBLIC_URL": "http://box:99999"}, "PUBLIC_URL must be a URL like http://localhost:5000"),
    ({"OPENAI_BASE_URL": "localhost"}, "OPENAI_BASE_URL must be a URL like http://localhost:8080/v1"),
    ({"OLLAMA_HOST": "http://gpu:port"}, "OLLAMA_HOST must be a URL like http://localhost:11434"),
    ({"OLLAMA_HOST": "gpu1,ftp://gpu2"}, "OLLAMA_HOST must be a URL like http://localhost:11434, not 'ftp://gpu2'."),
    *[
        ({"MAIL_URL": value}, "MAIL_URL must be a URL like smtp://name:password@mail.example:587.")
        for value in ("mail.example.org", "http://mail.example.org", "smtp://", "smtp://mail:port", "smtp://mail:0")
    ],
    *[
        ({"MAIL_FROM": value}, "MAIL_FROM must be like Chat <chat@example.org>")
        for value in ("chat", "a@", "a@b\r\nBcc: c@d")
    ],
    ({"OLLAMA_HOST": "http://:11434"}, "OLLAMA_HOST must be a URL like http://localhost:11434"),
]


@pytest.mark.parametrize(("environ", "sentence"), WRONG)
def test_a_wrong_value_is_refused_with_one_sentence(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**environ)

    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "OPENAI_API_KEY"):
        (tmp_path / name).write_text(f"postgresql://{name}\n")
    settings = read(**{f"{file.name}_FILE": str(file) for file in tmp_path.iterdir()})

    assert settings.secret_key == "postgresql://SECRET_KEY"
    assert settings.database_url == "postgresql://DATABASE_URL"
    assert settings.openai_api_key == "postgresql://OPENAI_API_KEY"


def test_an_empty_file_holds_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("\n")
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        Settings.from_env({"SECRET_KEY_FILE": str(file)})


def test_env_is_read_and_the_environment_wins(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / ".env").write_text(f"SECRET_KEY={KEY}\nOLLAMA_MODEL=of the file\nRATE_LIMIT=1/hour\n")
    monkeypatch.setitem(os.environ, "OLLAMA_MODEL", "of the environment")
    settings = Settings.from_env()

    assert settings.secret_key == KEY
    assert settings.rate_limit == "1/hour"
    assert settings.ollama_model == "of the environment"


def test_env_of_another_directory_is_not_read(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / ".env").write_text(f"SECRET_KEY={KEY}\n")
    (checkout / "below").mkdir()
    monkeypatch.chdir(checkout / "below")

    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        Settings.from_env()


def test_no_secret_shows_in_a_log() -> None:
    settings = read(OPENAI_API_KEY="sk-secret", DATABASE_URL="postgresql://u:pass@h/d")

    assert "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sqlite:///instance/app.db", "sqlite:///{here}/instance/app.db"),
        ("sqlite:///app.db", "sqlite:///{here}/app.db"),
        ("sqlite:////var/lib/chat/app.db", "sqlite:////var/lib/chat/app.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://u:p@h/d?x=1", "postgresql+psycopg://u:p@h/d?x=1"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_the_database_is_where_a_reader_expects_it(checkout: Path, given: str, meant: str) -> None:
    assert read(DATABASE_URL=given).sqlalchemy_url == meant.format(here=checkout)


def test_a_relative_database_lies_in_the_checkout(make_app: Callable[..., Flask], checkout: Path) -> None:
    app = make_app(database_url="sqlite:///instance/app.db")
    with app.app_context():
        db.create_all()

    assert (checkout / "instance" / "app.db").is_file()


WEAK = [("change-me", "placeholder"), ("change-me-" + KEY, "placeholder"), ("k" * 31, "fewer than 32")]


@pytest.mark.parametrize(("key", "why"), WEAK)
def test_a_weak_key_is_refused_in_production(key: str, why: str) -> None:
    settings = read(SECRET_KEY=key, FLASK_ENV="production")

    with pytest.raises(ConfigError, match=why):
        settings.check_production()


@pytest.mark.parametrize(("key", "why"), WEAK)
def test_a_weak_key_is_a_warning_in_development(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, key: str, why: str
) -> None:
    make_app(secret_key=key)

    assert why in caplog.text
    assert "refused in production" in caplog.text


def test_a_good_key_is_accepted_everywhere(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    read(SECRET_KEY="k" * 32, FLASK_ENV="production").check_production()
    make_app(secret_key="k" * 32, flask_env="production")

    assert "SECRET_KEY" not in caplog.text


@pytest.mark.parametrize("environment", ["development", "production"])
def test_no_environment_means_the_debugger(make_app: Callable[..., Flask], environment: str) -> None:
    assert not make_app(flask_env=environment).debug


def run(cwd: Path, *command: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A program of its own, with these settings alone."""
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


CHECK = ("gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--check-config", "wsgi:app")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "password-less-chat: SECRET_KEY is not set: "),
        (
            {"SECRET_KEY": "change-me", "FLASK_ENV": "production"},
            "password-less-chat: SECRET_KEY is still the placeholder",
        ),
    ],
)
def test_the_server_refuses_to_start_with_one_sentence(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    done = run(tmp_path, *CHECK, environ=environ)

    assert done.returncode == 1
    assert (done.stdout + done.stderr).startswith(sentence)
    assert (done.stdout + done.stderr).count("\n") == 1


def test_the_server_would_start_with_good_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SECRET_KEY={KEY}\nFLASK_ENV=production\nLLM_PROVIDERS=fake\n")
    done = run(tmp_path, *CHECK, environ={})

    assert done.returncode == 0, done.stderr


def test_a_command_refuses_to_start_with_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "flask", "--app", "wsgi", "list-users", environ={"CONTEXT_LENGTH": "many", "SECRET_KEY": KEY})

    assert done.returncode == 1
    assert done.stderr == "password-less-chat: CONTEXT_LENGTH must be a whole number, not 'many'.\n"


def test_reading_settings_loads_nothing_of_the_application() -> None:
    code = "import sys, app.config; sys.exit(any(name in sys.modules for name in ('flask', 'sqlalchemy', 'gevent')))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_application_is_made_where_people_look_for_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import app  # noqa: PLC0415  # what a reader would write

    namespace: dict[str, Any] = {}
    exec("from app import create_app\nfrom app.extensions import db", namespace)

    assert namespace["create_app"] is app.create_app
    with pytest.raises(AttributeError):
        _ = app.nothing

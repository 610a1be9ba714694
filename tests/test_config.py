"""The settings as they are read."""

from __future__ import annotations

import pytest

from app.config import ConfigError, Settings


def read(**environ: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": "x" * 40, **environ})


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


@pytest.mark.parametrize("given", ["gpu1,ftp://gpu2", "gpu1,http://", "http://gpu:port"])
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="OLLAMA_HOST must be a URL"):
        read(OLLAMA_HOST=given)

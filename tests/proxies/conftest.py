"""One installation behind each proxy, over https."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
import urllib3

from app import create_app
from app.config import Settings
from app.extensions import db
from tests.fake_http import Reply
from tests.fake_ollama import FakeOllama
from tests.people import make_user
from tests.proxies.running import KINDS, Place, Proxy
from tests.serving import Browser, Server

SILENCE_SECONDS = 61.0
Start = Callable[[Callable[[Place], list[str]]], Proxy]


@dataclass
class Site:
    """The installation: its server, the authority of its certificate, and the silent model's server."""

    server: Server
    certificate: Path
    ollama: FakeOllama


class SecureBrowser(Browser):
    """A browser that trusts the tests' certificate; everybody has the same account."""

    def __init__(self, url: str, certificate: Path) -> None:
        super().__init__(url)
        self.pool = urllib3.PoolManager(maxsize=20, retries=False, timeout=120, ca_certs=str(certificate))
        self.sign_in("alice@example.org")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    folder.chmod(0o755)
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "authority.crt"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "chat.crt"))
    issued.private_key_pem.write_to_path(str(folder / "chat.key"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "chat.pem"))
    return folder


@pytest.fixture(scope="module")
def site(
    base_settings: Settings, migrated_file: Path, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An installation that trusts one proxy."""
    path = tmp_path_factory.mktemp("site") / "app.db"
    shutil.copy(migrated_file, path)
    with FakeOllama() as ollama:
        ollama.default_reply = Reply(("Yes.",), delay=SILENCE_SECONDS)
        settings = replace(
            base_settings,
            database_url=f"sqlite:///{path}",
            llm_providers=("ollama", "fake"),
            ollama_host=ollama.url,
            trusted_proxies=1,
            max_streams_per_user=20,
            token_timeout_seconds=2 * SILENCE_SECONDS,
        )
        app = create_app(settings)
        make_user(app, "alice@example.org")
        with app.app_context():
            db.engine.dispose()
        server = Server(settings)
        yield Site(server, certificate / "authority.crt", ollama)
        server.kill()


@pytest.fixture(scope="module")
def start(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start proxies in front of the site."""
    started: list[Proxy] = []

    def run(kind: Callable[[Place], list[str]]) -> Proxy:
        folder = tmp_path_factory.mktemp("proxy")
        folder.chmod(0o777)  # nginx and Apache step down from root
        started.append(Proxy(kind, folder, site.server.port, site.certificate.parent))
        return started[-1]

    yield run
    for proxy in started:
        proxy.stop()


@pytest.fixture(scope="module")
def proxies(start: Start) -> dict[str, Proxy]:
    """Every kind of proxy, as docs/proxies.md configures it."""
    return {name: start(kind) for name, kind in KINDS.items()}

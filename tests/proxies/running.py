"""Real proxies in front of a real server, with the configurations of docs/proxies.md."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```(nginx|caddy|apache|haproxy)\n(.+?)^```$", re.M | re.S)
DOCUMENTED: dict[str, str] = dict(BLOCK.findall((ROOT / "docs/proxies.md").read_text(encoding="utf-8")))
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; gzip on;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    {site}
}}
"""
APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
{user}
{modules}
Listen 127.0.0.1:{port}
{site}
"""
APACHE_MODULES = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http", "socache_shmcb", "ssl")


@dataclass(frozen=True)
class Place:
    """Where a proxy runs: its folder, its port, the application's port, and the folder of the certificate."""

    folder: Path
    port: int
    upstream: int
    certificate: Path

    def documented(self, name: str) -> str:
        """The configuration of docs/proxies.md, for this place."""
        site = DOCUMENTED[name].replace("127.0.0.1:5000", f"127.0.0.1:{self.upstream}")
        site = site.replace("/etc/ssl/chat.example", str(self.certificate / "chat"))
        return re.sub(r"(listen |\*:|bind :)443\b", lambda found: self._address(found[1]), site)

    def _address(self, keyword: str) -> str:
        return f"{keyword.rstrip('*:')}127.0.0.1:{self.port}"


def _write(place: Place, text: str) -> str:
    path = place.folder / "proxy.conf"
    path.write_text(text, encoding="utf-8")
    return str(path)


def nginx(place: Place, change: Callable[[str], str] = str) -> list[str]:
    """nginx, with a change to its site where wanted."""
    site = change(place.documented("nginx"))
    return ["nginx", "-c", _write(place, NGINX.format(folder=place.folder, site=site))]


def nginx_http_1_0(place: Place) -> list[str]:
    """nginx as most people write it: HTTP/1.0 to the application."""
    return nginx(place, lambda site: re.sub(r' *proxy_(http_version 1.1|set_header Connection "");\n', "", site))


def nginx_buffering(place: Place) -> list[str]:
    """nginx that is told to collect streams all the same."""
    stubborn = "location / {\n        proxy_ignore_headers X-Accel-Buffering;"
    return nginx(place, lambda site: site.replace("location / {", stubborn))


def caddy(place: Place) -> list[str]:
    """Caddy; a certificate of its own would need a public name."""
    chat = place.certificate / "chat"
    site = place.documented("caddy").replace(
        "chat.example {", f"https://127.0.0.1:{place.port} {{\n    tls {chat}.crt {chat}.key"
    )
    options = "{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}\n"
    return ["caddy", "run", "--adapter", "caddyfile", "--config", _write(place, options + site)]


def apache(place: Place) -> list[str]:
    """Apache, with the modules that it needs and no others."""
    user = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES)
    site = place.documented("apache")
    text = APACHE.format(folder=place.folder, port=place.port, user=user, modules=modules, site=site)
    return ["apache2", "-f", _write(place, text), "-DFOREGROUND"]


def haproxy(place: Place) -> list[str]:
    """HAProxy."""
    return ["haproxy", "-db", "-q", "-f", _write(place, place.documented("haproxy"))]


KINDS: dict[str, Callable[[Place], list[str]]] = {
    "nginx": nginx,
    "nginx-http-1.0": nginx_http_1_0,
    "caddy": caddy,
    "apache": apache,
    "haproxy": haproxy,
}


class Proxy:
    """A running proxy."""

    def __init__(self, kind: Callable[[Place], list[str]], folder: Path, upstream: int, certificate: Path) -> None:
        place = Place(folder, free_port(), upstream, certificate)
        self.url = f"https://127.0.0.1:{place.port}"
        program, *arguments = kind(place)
        environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self._log = folder / "output.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [find(program), *arguments], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self._listens(place.port))

    def _listens(self, port: int) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def stop(self) -> None:
        """End it and its children."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def find(program: str) -> str:
    """Give the path of a program; without it the test is skipped, and in CI it fails."""
    path = shutil.which(program, path=SYSTEM_PATH)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    return path

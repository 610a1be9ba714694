"""`make run`: from a fresh checkout to a running chat, with nothing but Python.

It runs twice. First with whatever Python started it: installs into `.venv`. Then with that one: writes a first `.env`, migrates the
database, gets the built-in model where no Ollama answers, and becomes the server. Whatever is done already is not done again.
"""
# ruff: noqa: T201, S606  # a program for a terminal, and every command is its own

import argparse
import errno
import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import install

if TYPE_CHECKING:
    from app.config import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  # compared with, and chosen by the user alone
OLLAMA_PATIENCE_SECONDS = 3

FIRST_ENV = """# Written by the first `make run`. docs/configuration.md describes every setting; .env.example lists them.
SECRET_KEY={}
LLM_PROVIDERS=ollama,embedded
"""
NO_MODEL = """
The built-in model is not here yet: the server starts without it. What came of it is kept; it goes on with the next
`make run`, or with `.venv/bin/flask models pull` while the server runs. Or start Ollama: it is found by itself."""
OLLAMA_ONLY = """Models come from {}, as LLM_PROVIDERS says. For the built-in model as well, put LLM_PROVIDERS={},embedded
into {}, and run `make run` again."""
READY = """
    Password-less Chat is at {}

{} Ctrl-C ends the server.
"""
ACCOUNTS = {
    "open": "Create your account there; `.venv/bin/flask create-admin EMAIL` makes it an administrator's.",
    "invitation": """Sign in there, or make an account with a link: `.venv/bin/flask invite` prints one, and
`.venv/bin/flask create-admin EMAIL` makes an administrator.""",
    "closed": """Sign in there. REGISTRATION is closed; `.venv/bin/flask create-admin EMAIL` makes an administrator all the same.""",
}
ON_THE_NETWORK = """Everybody on this network can open it at that address, over plain http. Signing in, chatting and administration
work; whoever listens on the network can read along. Passkeys need https, and so does a network that you do not
trust: README.md, "On your network", says how.
"""


def main() -> None:
    """Do the half that this Python is for."""
    install.require_python()
    options = parse()
    os.chdir(str(install.ROOT))
    _check_port(options.host, options.port)
    if Path(sys.prefix).resolve() != install.VENV.resolve():
        install.install("embedded")
        os.execv(str(install.PYTHON), [str(install.PYTHON), *sys.argv])
    os.umask(0o077)  # keys, conversations and accounts: for this user alone
    _write_first_env()
    settings = configure(options.host, options.port)
    _migrate()
    _get_model(settings)
    keep_address(settings)
    print(READY.format(settings.public_url, ACCOUNTS[settings.registration]))
    if options.host not in LOOPBACK:
        print(ON_THE_NETWORK)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "wsgi:app"])


def parse() -> argparse.Namespace:
    """Give `host` and `port` as they were typed; ends the program where they can't be used."""
    parser = argparse.ArgumentParser(description="Install what is missing, and serve the chat.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 serves the whole network")
    parser.add_argument("--port", default="5000", help="port to listen on")
    options = parser.parse_args()
    if not options.port.isdigit() or not 0 < int(options.port) < 65536:
        parser.error("PORT must be a number from 1 to 65535, not " + repr(options.port))
    options.port = int(options.port)
    return options


def _check_port(host: str, port: int) -> None:
    """End with a sentence where the server could not listen: gunicorn would try for five seconds and show a stack."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        sys.exit(f"HOST={host} is not an address of this machine. Usual ones are 127.0.0.1 and 0.0.0.0.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.exit(f"Port {port} is in use by another program. Take another one: make run PORT={port + 1}")
        sys.exit(f"The server can't listen on {host}, port {port}: {error.strerror}.")


def _write_first_env() -> None:
    with suppress(FileExistsError):
        Path(".env").touch(0o600, exist_ok=False)
        Path(".env").write_text(FIRST_ENV.format(secrets.token_urlsafe(48)), encoding="utf-8")
        print("Wrote .env with a new random SECRET_KEY.")


def configure(host: str, port: int) -> "Settings":
    """Give the settings, with an address that leads here unless one is set; the server inherits them."""
    from dotenv import load_dotenv  # noqa: PLC0415  # only the second half has packages

    from app.config import ConfigError, Settings  # noqa: PLC0415

    load_dotenv(".env")
    os.environ["BIND"] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    own_names = _own_names(host)
    _set_unless_set("PUBLIC_URL", f"http://{own_names[0]}:{port}")
    if host not in LOOPBACK:
        _set_unless_set("ALLOWED_HOSTS", ",".join(own_names))
    try:
        settings = Settings.from_env()
        settings.check_production()
    except ConfigError as error:
        sys.exit(f"password-less-chat: {error}")
    return settings


def _set_unless_set(name: str, value: str) -> None:
    os.environ[name] = os.environ.get(name) or value  # an empty value counts as unset, as in app.config


def keep_address(settings: "Settings") -> None:
    """Keep where this serves for the commands, which don't know PORT and HOST: a link that they print must lead here."""
    from app.config import SERVED_ADDRESS  # noqa: PLC0415

    with suppress(OSError):  # a folder that is not ours to write in: then the links are as PUBLIC_URL says
        SERVED_ADDRESS.parent.mkdir(exist_ok=True)
        SERVED_ADDRESS.write_text(f"{settings.public_url}\n", encoding="utf-8")


def _place_of(name: str) -> str:
    """Say where a setting stands, or would be put; the environment wins over .env."""
    from dotenv import dotenv_values  # noqa: PLC0415

    return ".env" if os.environ.get(name) == dotenv_values(".env").get(name) else "the environment"


def _own_names(host: str) -> "list[str]":
    """Give what others call this machine, the best name first."""
    if host in LOOPBACK:
        return ["localhost"]
    if host not in EVERYWHERE:
        return [f"[{host}]" if ":" in host else host]
    name = socket.gethostname().lower()
    return [_network_address(), name, f"{name}.local"]


def _network_address() -> str:
    """Give this machine's address on its network; asking for a route sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address that nobody has
        except OSError:
            return "localhost"
        return str(probe.getsockname()[0])


def _migrate() -> None:
    if subprocess.call([sys.executable, "-m", "flask", "db", "upgrade"]):
        sys.exit("The database could not be brought up to date; the reason is above. Nothing was started.")


def _get_model(settings: "Settings") -> None:
    """See to it that some model can answer. Where that fails, the server starts all the same, and says what to do."""
    from app.chat.embedded.runtime import embedded_problem, runtime_problem  # noqa: PLC0415

    if "embedded" not in settings.llm_providers:
        names = ",".join(settings.llm_providers)
        print(OLLAMA_ONLY.format(names.replace(",", " and "), names, _place_of("LLM_PROVIDERS")))
        return
    answering = filter(_ollama_has_models, settings.ollama_hosts if "ollama" in settings.llm_providers else ())
    if address := next(answering, None):
        print(f"Ollama answers at {address}: its models are used.")
        return
    problem = runtime_problem()
    if problem:
        print(problem)
    elif embedded_problem(settings) and subprocess.call([sys.executable, "-m", "flask", "models", "pull"]):
        print(NO_MODEL)


def _ollama_has_models(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine or on the next one
    try:
        with opener.open(f"{address}/api/tags", timeout=OLLAMA_PATIENCE_SECONDS) as answer:
            return bool(json.load(answer).get("models"))
    except (OSError, ValueError, AttributeError):  # not there, or not Ollama
        return False


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped. `make run` goes on from here.")

"""The documentation says what is there: settings with their defaults, commands, routes, and the names of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from app.config import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\| (.+) \|$", re.M)
SETTING_READ = re.compile(
    r"""(?:env|self)\.(?:text|secret|listing|whole|number|urls?|get)\(\s*"([A-Z][A-Z_]+)\"|environ\.get\("([A-Z_]+)\""""
)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")
CODE_NAME = re.compile(r"`((?:app|frontend)/[\w./-]+?\.(?:py|ts|html))(?::(\w+))?`")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _settings_read(name: str) -> set[str]:
    return {first or second for first, second in SETTING_READ.findall(_text(name))}


@pytest.fixture(scope="module")
def described() -> dict[str, str]:
    """The settings of docs/configuration.md with their defaults."""
    return {name: default for name, default, _ in ROW.findall(_text("docs/configuration.md"))}


def test_every_setting_is_described(described: dict[str, str]) -> None:
    read = _settings_read("app/config.py") | _settings_read("gunicorn.conf.py")
    assert len(read) > len(Settings.__dataclass_fields__)
    assert read - set(described) == set()
    assert set(described) - read == set(), "described, but read nowhere"


def test_the_described_defaults_are_the_real_ones(described: dict[str, str]) -> None:
    key = {"SECRET_KEY": "k" * 40}
    assert Settings.from_env({**described, **key}) == Settings.from_env(key)


def test_the_example_lists_every_setting(described: dict[str, str]) -> None:
    listed = set(re.findall(r"^#?([A-Z_]+)=", _text(".env.example"), re.M))
    assert listed == set(described)


def test_every_secret_says_that_it_can_come_from_a_file() -> None:
    secrets = re.findall(r'\.secret\("([A-Z_]+)"\)', _text("app/config.py"))
    assert secrets
    assert [name for name in secrets if f"`{name}_FILE`" not in _text("docs/configuration.md")] == []


def _commands(group: click.Group, prefix: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def test_every_command_is_described(app: Flask) -> None:
    assert isinstance(app.cli, click.Group)
    commands = [name for name in _commands(app.cli, "flask") if not name.startswith("flask db ")]
    assert "flask create-admin" in commands
    assert [name for name in commands if f"| `{name}" not in _text("docs/commands.md")] == []


def test_every_command_that_is_described_is_there(app: Flask) -> None:
    named = re.findall(r"^\| `flask ((?!db |run|shell)[a-z-]+)", _text("docs/commands.md"), re.M)
    assert named
    assert isinstance(app.cli, click.Group)
    assert [name for name in named if name not in app.cli.commands] == []


def test_every_route_is_described(app: Flask) -> None:
    text = _text("docs/http.md")
    missing = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule.rule)
        is_api = path.startswith("/api/")
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}) if is_api else [""]
        wanted = [f"`{method} {path}`" if is_api else path for method in methods]
        missing += [name for name in wanted if not _is_described(name, text)]
    assert missing == []


def _is_described(name: str, text: str) -> bool:
    """Whether a path stands there as it is, or as a further one of a list: `/admin/users/<user_id>/promote`, `/demote`."""
    if name.startswith("`"):
        return name in text
    return f"`{name}`" in text or (f"`/{name.rpartition('/')[2]}`" in text and name.startswith("/admin/users/"))


def test_every_open_route_is_described_as_open(app: Flask) -> None:
    lines = [line for line in _text("docs/http.md").splitlines() if "| open |" in line]
    for rule in app.url_map.iter_rules():
        if getattr(app.view_functions[rule.endpoint], "is_public", False):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule.rule)
            assert any(f"`{path}`" in line for line in lines), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    broken = [
        target for target in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_names_of_the_code_are_right(page: Path) -> None:
    for path, name in CODE_NAME.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).is_file(), path
        if name:
            tree = ast.parse(_text(path))
            assert name in {getattr(node, "name", None) for node in ast.walk(tree)}, f"{path}:{name}"


def test_the_readme_is_short_and_shows_the_chat() -> None:
    text = _text("README.md")
    assert text.count("\n") < 120
    assert re.search(r"!\[.+\]\(docs/.+\.png\)", text)


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", _text("Makefile"), re.M))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z0-9]+)", page.read_text(encoding="utf-8"))}
    assert {"run", "test", "check"} <= named <= targets


def test_decisions_fit_on_a_page() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert pages
    assert [page.name for page in pages if page.read_text(encoding="utf-8").count("\n") > 60] == []
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
